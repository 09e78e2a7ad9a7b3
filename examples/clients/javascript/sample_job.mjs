// Runs the sample job with the AWS SDK for JavaScript and prints how it ended, as JSON:
//   eval "$(emulator env)"; node sample_job.mjs SAMPLE_DATA_FOLDER
import { createReadStream, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import {
  CreateModelCommand,
  CreateTransformJobCommand,
  SageMakerClient,
  waitUntilTransformJobCompletedOrStopped,
} from "@aws-sdk/client-sagemaker";

const folder = process.argv[2];
const request = (name) => JSON.parse(readFileSync(join(folder, name), "utf8"));
const s3 = new S3Client({ forcePathStyle: true });
const sagemaker = new SageMakerClient({});
let asked = 0; // how often the waiter asks; it pauses for a minute or more in between
sagemaker.middlewareStack.add(
  (next, context) => (request) => {
    if (context.commandName === "DescribeTransformJobCommand") asked += 1;
    return next(request);
  },
  { step: "initialize" },
);

await s3.send(new CreateBucketCommand({ Bucket: "emulator-demo" })).catch((error) => {
  if (error.name !== "BucketAlreadyOwnedByYou") throw error;
});
for (const key of ["models/sparkml/model.tar.gz", "models/xgboost/model.tar.gz", "input/penguins.csv"]) {
  const file = join(folder, key);
  const body = { Body: createReadStream(file), ContentLength: statSync(file).size };
  await s3.send(new PutObjectCommand({ Bucket: "emulator-demo", Key: key, ...body }));
}

const name = `javascript-${Date.now()}`;
await sagemaker.send(new CreateModelCommand({ ...request("model.json"), ModelName: name }));
const started = performance.now();
await sagemaker.send(
  new CreateTransformJobCommand({ ...request("job.json"), ModelName: name, TransformJobName: name }),
);
const { state, reason } = await waitUntilTransformJobCompletedOrStopped(
  { client: sagemaker, maxWaitTime: 600 },
  { TransformJobName: name },
);
const waited = (performance.now() - started) / 1000;

const output = await s3.send(
  new GetObjectCommand({ Bucket: "emulator-demo", Key: "output/penguins.csv.out" }),
);
const lines = (await output.Body.transformToString()).split("\n").filter(Boolean).length;
const took = (reason.TransformEndTime - reason.CreationTime) / 1000;
console.log(JSON.stringify({ state, status: reason.TransformJobStatus, lines, asked, waited, took }));
