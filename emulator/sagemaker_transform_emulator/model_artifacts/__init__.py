"""Model archives: fetched, judged, unpacked, and made from saved Spark pipelines."""
