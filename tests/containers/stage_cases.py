"""Every stage the exporter knows, in pipelines that are fitted, saved and compared at one go.

A group is its stages, and the columns to compare with the difference allowed: 0 means the same bits. The
difference is relative for numbers larger than 1. Where one is allowed, MLeap uses another formula than Spark
or adds in another order, or a product and a sum are rounded once in Spark (a fused multiply-add, since
JDK 11) and twice in the container, as on the JDK 8 of AWS's; the exporter has no part in it.
"""

# pyspark is imported where it is used, so that tests are collected without it
# ruff: noqa: PLC0415

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Stages = list[Any]
Outputs = dict[str, float]
EXACT = 0.0
LAST_BITS = 1e-14


def numbers() -> tuple[Stages, Outputs]:
    from pyspark.ml.feature import (
        Binarizer,
        Bucketizer,
        Imputer,
        Interaction,
        QuantileDiscretizer,
        StringIndexer,
        VectorAssembler,
        VectorSlicer,
    )

    infinite = [-float("inf"), -1.0, 0.0, 2.5, float("inf")]
    stages = [
        Imputer(inputCols=["gap"], outputCols=["mean"]),
        Imputer(inputCols=["gap", "a"], outputCols=["median", "a_median"], strategy="median"),
        Imputer(inputCol="gap", outputCol="mode", strategy="mode"),
        Imputer(inputCol="mean", outputCol="sentinel", missingValue=-1.0),
        Bucketizer(inputCol="a", outputCol="bucket", splits=infinite),
        Bucketizer(inputCol="gap", outputCol="kept", splits=infinite, handleInvalid="keep"),
        Bucketizer(inputCols=["a", "unit"], outputCols=["m1", "m2"], splitsArray=[infinite, [0.0, 0.5, 1.0]]),
        QuantileDiscretizer(inputCol="b", outputCol="quantile", numBuckets=4),
        QuantileDiscretizer(
            inputCols=["a", "gap"], outputCols=["q1", "q2"], numBuckets=3, handleInvalid="keep",
        ),
        Binarizer(inputCol="a", outputCol="over", threshold=0.5),
        Binarizer(inputCol="v", outputCol="v_over", threshold=-0.25),
        Binarizer(inputCols=["a", "b"], outputCols=["over1", "over2"], thresholds=[0.0, 1.0]),
        VectorAssembler(inputCols=["a", "v", "b", "v_over"], outputCol="assembled"),
        VectorAssembler(inputCols=["gap", "a"], outputCol="with_nan", handleInvalid="keep"),
        VectorSlicer(inputCol="assembled", outputCol="sliced", indices=[5, 0, 2]),
        StringIndexer(inputCol="other", outputCol="other_index"),
        VectorAssembler(inputCols=["other_index", "b"], outputCol="nominal_and_number"),
        VectorAssembler(inputCols=["b", "unit"], outputCol="plain"),
        Interaction(inputCols=["a", "plain", "other_index"], outputCol="crossed"),
        Interaction(inputCols=["nominal_and_number", "bucket"], outputCol="crossed_nominal"),
    ]  # fmt: skip
    names = (
        "mean median a_median mode sentinel bucket kept m1 m2 quantile q1 q2 over v_over over1 over2 "
        "assembled with_nan sliced other_index crossed crossed_nominal"
    )
    return stages, dict.fromkeys(names.split(), EXACT)


def labels() -> tuple[Stages, Outputs]:
    from pyspark.ml import Pipeline
    from pyspark.ml.feature import (
        ChiSqSelector,
        FeatureHasher,
        IndexToString,
        OneHotEncoder,
        StringIndexer,
        VectorAssembler,
        VectorIndexer,
    )

    inner = [
        StringIndexer(inputCol="label", outputCol="kept", handleInvalid="keep"),
        OneHotEncoder(inputCol="kept", outputCol="one_hot"),
    ]
    stages = [
        Pipeline(stages=inner),
        StringIndexer(inputCol="other", outputCol="frequency"),
        StringIndexer(inputCol="other", outputCol="alphabet", stringOrderType="alphabetDesc"),
        StringIndexer(inputCols=["label", "other"], outputCols=["m1", "m2"], handleInvalid="keep"),
        StringIndexer(inputCol="frequency", outputCol="of_number"),
        StringIndexer(inputCol="text", outputCol="text_index", handleInvalid="keep"),
        OneHotEncoder(inputCols=["m1", "m2"], outputCols=["h1", "h2"], dropLast=False),
        OneHotEncoder(inputCols=["frequency", "alphabet"], outputCols=["h3", "h4"], handleInvalid="keep"),
        IndexToString(inputCol="alphabet", outputCol="back", labels=["r", "q", "p"]),
        VectorIndexer(inputCol="codes", outputCol="indexed", maxCategories=4, handleInvalid="keep"),
        VectorAssembler(inputCols=["one_hot", "h1", "a"], outputCol="all"),
        ChiSqSelector(featuresCol="counts", labelCol="three", outputCol="chosen", numTopFeatures=2),
        FeatureHasher(
            inputCols=["frequency", "a", "label"], outputCol="hashed", numFeatures=32,
            categoricalCols=["frequency"],
        ),
    ]  # fmt: skip
    names = (
        "kept one_hot frequency alphabet m1 m2 of_number text_index h1 h2 h3 h4 back indexed all chosen "
        "hashed"
    )
    return stages, dict.fromkeys(names.split(), EXACT)


def vectors() -> tuple[Stages, Outputs]:
    from pyspark.ml.feature import (
        DCT,
        PCA,
        BucketedRandomProjectionLSH,
        ElementwiseProduct,
        MaxAbsScaler,
        MinMaxScaler,
        Normalizer,
        PolynomialExpansion,
        StandardScaler,
    )
    from pyspark.ml.linalg import Vectors

    v = {"inputCol": "v"}
    stages = [
        StandardScaler(**v, outputCol="std"),
        StandardScaler(**v, outputCol="mean_std", withMean=True),
        StandardScaler(**v, outputCol="centred", withMean=True, withStd=False),
        StandardScaler(**v, outputCol="unscaled", withStd=False),
        MinMaxScaler(**v, outputCol="minmax", min=-1.0, max=2.0),
        MaxAbsScaler(**v, outputCol="maxabs"),
        Normalizer(**v, outputCol="norm1", p=1.0),
        Normalizer(**v, outputCol="norm2"),
        Normalizer(**v, outputCol="norm_inf", p=float("inf")),
        DCT(**v, outputCol="dct"),
        DCT(**v, outputCol="inverse_dct", inverse=True),
        PolynomialExpansion(**v, outputCol="squares"),
        PolynomialExpansion(**v, outputCol="cubes", degree=3),
        ElementwiseProduct(**v, outputCol="product", scalingVec=Vectors.dense([0.5, -1.0, 0.0, 3.25])),
        ElementwiseProduct(**v, outputCol="sparse", scalingVec=Vectors.sparse(4, {1: 2.0})),
        PCA(**v, outputCol="components", k=2),
        BucketedRandomProjectionLSH(**v, outputCol="buckets", bucketLength=0.75, numHashTables=3, seed=3),
    ]
    exact = (
        "std mean_std centred unscaled norm1 norm2 norm_inf dct inverse_dct squares cubes product sparse "
        "buckets maxabs"
    )
    return stages, {**dict.fromkeys(exact.split(), EXACT), "minmax": LAST_BITS, "components": LAST_BITS}


def words() -> tuple[Stages, Outputs]:
    from pyspark.ml.feature import (
        IDF,
        CountVectorizer,
        HashingTF,
        NGram,
        RegexTokenizer,
        StopWordsRemover,
        Tokenizer,
        Word2Vec,
    )

    tokens = {"inputCol": "tokens"}
    stages = [
        Tokenizer(inputCol="text", outputCol="tokens"),
        RegexTokenizer(inputCol="text", outputCol="gaps", pattern="[\\s,]+", minTokenLength=2),
        RegexTokenizer(inputCol="text", outputCol="found", pattern="\\w+", gaps=False, toLowercase=False),
        StopWordsRemover(**tokens, outputCol="content"),
        StopWordsRemover(
            inputCols=["tokens", "found"], outputCols=["s1", "s2"], stopWords=["THE"], caseSensitive=True,
        ),
        NGram(**tokens, outputCol="pairs"),
        NGram(**tokens, outputCol="triples", n=3),
        HashingTF(**tokens, outputCol="tf", numFeatures=64),
        HashingTF(**tokens, outputCol="tf_binary", numFeatures=1000, binary=True),
        CountVectorizer(**tokens, outputCol="bag", vocabSize=8),
        CountVectorizer(**tokens, outputCol="bag_min", minTF=0.2),
        CountVectorizer(**tokens, outputCol="bag_binary", binary=True, minTF=2.0),
        IDF(inputCol="tf", outputCol="weighted"),
        Word2Vec(**tokens, outputCol="meaning", vectorSize=5, minCount=1, seed=1, maxIter=1),
    ]  # fmt: skip
    names = (
        "tokens gaps found content s1 s2 pairs triples tf tf_binary bag bag_min bag_binary weighted meaning"
    )
    return stages, dict.fromkeys(names.split(), EXACT)


def named_outputs(name: str, *, raw: bool = True, probability: bool = True) -> dict[str, str]:
    columns = {"featuresCol": "v", "predictionCol": f"{name}_prediction"}
    if raw:
        columns["rawPredictionCol"] = f"{name}_raw"
    if probability:
        columns["probabilityCol"] = f"{name}_probability"
    return columns


def classifiers() -> tuple[Stages, Outputs]:
    from pyspark.ml.classification import (
        LinearSVC,
        LogisticRegression,
        MultilayerPerceptronClassifier,
        NaiveBayes,
        OneVsRest,
    )

    two, three = {"labelCol": "two", "maxIter": 5}, {"labelCol": "three", "maxIter": 5}
    named = named_outputs
    stages = [
        LogisticRegression(**named("lr2"), **two),
        LogisticRegression(**named("lr2t"), **two, thresholds=[0.3, 0.7], regParam=0.1),
        LogisticRegression(**named("lr2m"), **two, family="multinomial"),
        LogisticRegression(**named("lr3"), **three),
        LogisticRegression(
            **named("lr3t"), **three, thresholds=[0.2, 0.5, 0.3], elasticNetParam=1.0, regParam=0.05,
        ),
        LinearSVC(**named("svc", probability=False), **two, threshold=0.1),
        NaiveBayes(**{**named("nbm"), "featuresCol": "counts"}, labelCol="three"),
        NaiveBayes(**{**named("nbb"), "featuresCol": "bits"}, labelCol="three", modelType="bernoulli"),
        MultilayerPerceptronClassifier(**named("mlp"), **three, layers=[4, 5, 3], seed=1),
        # MLeap compares probabilities, which far-out rows round to an equal 1; hence features in 0..5
        OneVsRest(
            featuresCol="counts", predictionCol="ovr_prediction", labelCol="three",
            classifier=LogisticRegression(maxIter=3),
        ),
    ]  # fmt: skip
    # a one-vs-rest model saved from Python forgets the name of its raw prediction, so that has the default
    outputs = dict.fromkeys(("svc_raw", "svc_prediction", "ovr_prediction"), EXACT) | {
        "rawPrediction": LAST_BITS
    }
    for name in ("lr2", "lr2t", "lr2m", "lr3", "lr3t", "nbm", "nbb", "mlp"):
        outputs |= {f"{name}_raw": LAST_BITS, f"{name}_probability": LAST_BITS, f"{name}_prediction": EXACT}
    return stages, outputs


def trees() -> tuple[Stages, Outputs]:
    from pyspark.ml.classification import DecisionTreeClassifier, GBTClassifier, RandomForestClassifier
    from pyspark.ml.feature import VectorIndexer
    from pyspark.ml.regression import DecisionTreeRegressor, GBTRegressor, RandomForestRegressor

    def on(name: str, features: str, *, regression: bool = False) -> dict[str, Any]:
        columns = named_outputs(name, raw=not regression, probability=not regression)
        return {**columns, "featuresCol": features, "seed": 1, "maxDepth": 3}

    boosted = GBTClassifier(**on("gbtc", "v", regression=True), labelCol="two", maxIter=3)
    stages = [
        VectorIndexer(inputCol="codes", outputCol="indexed", maxCategories=4, handleInvalid="keep"),
        DecisionTreeClassifier(**on("dtc", "v"), labelCol="three"),
        DecisionTreeClassifier(**on("dtc_codes", "indexed"), labelCol="three").setThresholds([0.5, 0.2, 0.3]),
        RandomForestClassifier(**on("rfc", "v"), labelCol="three", numTrees=3),
        boosted.setRawPredictionCol("gbtc_raw").setProbabilityCol("gbtc_probability"),
        DecisionTreeRegressor(**on("dtr", "indexed", regression=True), labelCol="a"),
        RandomForestRegressor(**on("rfr", "v", regression=True), labelCol="number", numTrees=3),
        GBTRegressor(**on("gbtr", "v", regression=True), labelCol="number", maxIter=3),
    ]
    outputs = {"dtr_prediction": EXACT, "rfr_prediction": EXACT, "gbtr_prediction": LAST_BITS}
    outputs |= {"gbtc_raw": LAST_BITS, "gbtc_probability": LAST_BITS, "gbtc_prediction": EXACT}
    for name in ("dtc", "dtc_codes", "rfc"):
        outputs |= dict.fromkeys((f"{name}_raw", f"{name}_probability", f"{name}_prediction"), EXACT)
    return stages, outputs


def regressions() -> tuple[Stages, Outputs]:
    from pyspark.ml.regression import (
        AFTSurvivalRegression,
        GeneralizedLinearRegression,
        IsotonicRegression,
        LinearRegression,
    )

    def general(name: str, label: str, family: str, link: str | None = None) -> Any:
        columns = {"featuresCol": "v", "predictionCol": name, "linkPredictionCol": f"{name}_link"}
        extra = {} if link is None else {"link": link}
        return GeneralizedLinearRegression(
            **columns, labelCol=label, family=family, maxIter=5, regParam=0.1, **extra
        )

    stages = [
        LinearRegression(featuresCol="v", labelCol="number", predictionCol="linear", regParam=0.01),
        general("gaussian", "number", "gaussian"),
        general("gaussian_log", "positive", "gaussian", "log"),
        general("logit", "two", "binomial"),
        general("probit", "two", "binomial", "probit"),
        general("cloglog", "two", "binomial", "cloglog"),
        general("poisson", "positive", "poisson"),
        general("poisson_sqrt", "positive", "poisson", "sqrt"),
        general("gamma", "positive", "gamma", "log"),
        IsotonicRegression(featuresCol="unit", labelCol="number", predictionCol="isotonic"),
        IsotonicRegression(
            featuresCol="v", labelCol="number", predictionCol="isotonic1", featureIndex=1, isotonic=False,
        ),
        AFTSurvivalRegression(
            featuresCol="v", labelCol="positive", censorCol="censor", predictionCol="survival",
            quantilesCol="quantiles", quantileProbabilities=[0.1, 0.5, 0.9], maxIter=5,
        ),
    ]  # fmt: skip
    outputs = dict.fromkeys(("linear", "isotonic", "isotonic1", "survival", "quantiles"), EXACT)
    for name in (
        "gaussian",
        "gaussian_log",
        "logit",
        "probit",
        "cloglog",
        "poisson",
        "poisson_sqrt",
        "gamma",
    ):
        outputs |= {name: LAST_BITS, f"{name}_link": EXACT}
    return stages, outputs


def clusters() -> tuple[Stages, Outputs]:
    from pyspark.ml.clustering import BisectingKMeans, GaussianMixture, KMeans

    stages = [
        KMeans(featuresCol="v", predictionCol="nearest", k=4, seed=1, maxIter=3),
        BisectingKMeans(featuresCol="v", predictionCol="bisected", k=5, seed=1, maxIter=3),
        GaussianMixture(
            featuresCol="v", predictionCol="mixed", probabilityCol="shares", k=3, seed=1, maxIter=5,
        ),
    ]  # fmt: skip
    return stages, {"nearest": EXACT, "bisected": EXACT, "mixed": EXACT, "shares": 1e-12}


GROUPS: dict[str, Callable[[], tuple[Stages, Outputs]]] = {
    function.__name__: function
    for function in (numbers, labels, vectors, words, classifiers, trees, regressions, clusters)
}
