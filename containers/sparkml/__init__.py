"""AWS's SparkML serving container, version 3.3, on the same engine: MLeap 0.20 in a JVM inside Python."""
