import java.nio.file.Path;
import java.time.Duration;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.BucketAlreadyOwnedByYouException;
import software.amazon.awssdk.services.sagemaker.SageMakerClient;
import software.amazon.awssdk.services.sagemaker.model.BatchStrategy;
import software.amazon.awssdk.services.sagemaker.model.ContainerDefinition;
import software.amazon.awssdk.services.sagemaker.model.DescribeTransformJobResponse;

/**
 * Runs the sample job with the AWS SDK for Java and prints how it ended, as JSON: {@code eval
 * "$(emulator env)"; mvn -q compile exec:java -Dexec.args="SAMPLE_DATA_FOLDER SPARKML_SCHEMA"}.
 */
public final class SampleJob {
    private static final String BUCKET = "emulator-demo";
    private static final String IMAGES = "683313688378.dkr.ecr.us-east-1.amazonaws.com/";

    public static void main(String[] arguments) {
        try (S3Client s3 = S3Client.builder().forcePathStyle(true).build();
                SageMakerClient sagemaker = SageMakerClient.create()) {
            upload(s3, Path.of(arguments[0]));
            String name = "java-" + System.currentTimeMillis();
            createModel(sagemaker, name, arguments[1]);
            long started = System.nanoTime();
            createJob(sagemaker, name);
            DescribeTransformJobResponse ended =
                    sagemaker.waiter()
                            .waitUntilTransformJobCompletedOrStopped(job -> job.transformJobName(name))
                            .matched()
                            .response()
                            .orElseThrow();
            double waited = (System.nanoTime() - started) / 1e9;
            long lines =
                    s3.getObjectAsBytes(get -> get.bucket(BUCKET).key("output/penguins.csv.out"))
                            .asUtf8String()
                            .lines()
                            .filter(line -> !line.isEmpty())
                            .count();
            Duration took = Duration.between(ended.creationTime(), ended.transformEndTime());
            System.out.printf(
                    "{\"status\": \"%s\", \"lines\": %d, \"waited\": %.3f, \"took\": %.3f}%n",
                    ended.transformJobStatusAsString(), lines, waited, took.toMillis() / 1e3);
        }
    }

    private static void upload(S3Client s3, Path folder) {
        try {
            s3.createBucket(create -> create.bucket(BUCKET));
        } catch (BucketAlreadyOwnedByYouException there) {
            // from a run before
        }
        for (String key :
                new String[] {
                    "models/sparkml/model.tar.gz", "models/xgboost/model.tar.gz", "input/penguins.csv"
                }) {
            s3.putObject(put -> put.bucket(BUCKET).key(key), folder.resolve(key));
        }
    }

    private static void createModel(SageMakerClient sagemaker, String name, String schema) {
        ContainerDefinition sparkml =
                ContainerDefinition.builder()
                        .image(IMAGES + "sagemaker-sparkml-serving:3.3")
                        .modelDataUrl("s3://" + BUCKET + "/models/sparkml/model.tar.gz")
                        .environment(java.util.Map.of("SAGEMAKER_SPARKML_SCHEMA", schema))
                        .build();
        ContainerDefinition xgboost =
                ContainerDefinition.builder()
                        .image(IMAGES + "sagemaker-xgboost:3.0-5")
                        .modelDataUrl("s3://" + BUCKET + "/models/xgboost/model.tar.gz")
                        .build();
        sagemaker.createModel(
                create ->
                        create.modelName(name)
                                .executionRoleArn("arn:aws:iam::123456789012:role/emulator")
                                .containers(sparkml, xgboost));
    }

    private static void createJob(SageMakerClient sagemaker, String name) {
        sagemaker.createTransformJob(
                create ->
                        create.transformJobName(name)
                                .modelName(name)
                                .batchStrategy(BatchStrategy.SINGLE_RECORD)
                                .transformInput(
                                        input ->
                                                input.contentType("text/csv")
                                                        .splitType("Line")
                                                        .dataSource(
                                                                source ->
                                                                        source.s3DataSource(
                                                                                place ->
                                                                                        place.s3DataType("S3Prefix")
                                                                                                .s3Uri(
                                                                                                        "s3://"
                                                                                                                + BUCKET
                                                                                                                + "/input/penguins.csv"))))
                                .transformOutput(
                                        output ->
                                                output.s3OutputPath("s3://" + BUCKET + "/output")
                                                        .accept("text/csv")
                                                        .assembleWith("Line"))
                                .transformResources(
                                        resources ->
                                                resources.instanceType("ml.m4.xlarge").instanceCount(1)));
    }
}
