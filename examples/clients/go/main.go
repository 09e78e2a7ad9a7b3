// Runs the sample job with the AWS SDK for Go and prints how it ended, as JSON:
//
//	eval "$(emulator env)"; go run . SAMPLE_DATA_FOLDER
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
)

const bucket = "emulator-demo"

func main() {
	ctx := context.Background()
	folder := os.Args[1]
	settings := must(config.LoadDefaultConfig(ctx))
	store := s3.NewFromConfig(settings, func(options *s3.Options) { options.UsePathStyle = true })
	client := sagemaker.NewFromConfig(settings)
	upload(ctx, store, folder)

	name := aws.String(fmt.Sprintf("go-%d", time.Now().UnixMilli()))
	var model sagemaker.CreateModelInput
	request(filepath.Join(folder, "model.json"), &model)
	model.ModelName = name
	must(client.CreateModel(ctx, &model))
	var job sagemaker.CreateTransformJobInput
	request(filepath.Join(folder, "job.json"), &job)
	job.ModelName, job.TransformJobName = name, name

	started := time.Now()
	must(client.CreateTransformJob(ctx, &job))
	waiter := sagemaker.NewTransformJobCompletedOrStoppedWaiter(client)
	input := &sagemaker.DescribeTransformJobInput{TransformJobName: name}
	ended := must(waiter.WaitForOutput(ctx, input, 10*time.Minute))
	waited := time.Since(started).Seconds()

	output := must(store.GetObject(ctx, &s3.GetObjectInput{
		Bucket: aws.String(bucket), Key: aws.String("output/penguins.csv.out"),
	}))
	lines := len(strings.Fields(string(must(io.ReadAll(output.Body)))))
	must(0, json.NewEncoder(os.Stdout).Encode(map[string]any{
		"status": ended.TransformJobStatus, "lines": lines, "waited": waited,
		"took": ended.TransformEndTime.Sub(*ended.CreationTime).Seconds(),
	}))
}

func upload(ctx context.Context, store *s3.Client, folder string) {
	_, err := store.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucket)})
	var owned *s3types.BucketAlreadyOwnedByYou
	if err != nil && !errors.As(err, &owned) {
		log.Fatal(err)
	}
	for _, key := range []string{"models/sparkml/model.tar.gz", "models/xgboost/model.tar.gz", "input/penguins.csv"} {
		body := bytes.NewReader(must(os.ReadFile(filepath.Join(folder, key))))
		must(store.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String(key), Body: body}))
	}
}

func request(path string, into any) {
	must(0, json.Unmarshal(must(os.ReadFile(path)), into))
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}
