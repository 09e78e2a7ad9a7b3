"""Stages that work on text: tokens, counts of words, and vectors of them."""

from __future__ import annotations

from typing import Any

from sagemaker_transform_emulator.model_artifacts.spark_to_mleap import values
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.bundle import MleapModel, Node
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.columns import Frame
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.spark_directory import (
    SavedStage,
    vector_values,
)
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.stages.common import (
    StageFunction,
    column_pairs,
    one_to_one,
    single_pair,
)

# Spark 3 corrected its hash of strings; models saved by Spark 2 keep the old one.
HASH_OF_SPARK_2, HASH_OF_SPARK_3 = 1, 2


def tokenizer(stage: SavedStage, frame: Frame) -> list[Node]:
    """Lower case, split at white space."""
    source, target = single_pair(stage)
    frame.text(source)
    frame.write_words(target)
    return [one_to_one(MleapModel("tokenizer"), source, target)]


def regex_tokenizer(stage: SavedStage, frame: Frame) -> list[Node]:
    """Split at, or find, a pattern."""
    source, target = single_pair(stage)
    frame.text(source)
    frame.write_words(target)
    attributes = {
        "regex": values.string(str(stage.params["pattern"])),
        "match_gaps": values.boolean(stage.params["gaps"]),
        "token_min_length": values.int32(stage.params["minTokenLength"]),
        "lowercase_text": values.boolean(stage.params["toLowercase"]),
    }
    return [one_to_one(MleapModel("regex_tokenizer", attributes), source, target)]


def stop_words_remover(stage: SavedStage, frame: Frame) -> list[Node]:
    """One node per column."""
    attributes = {
        "stop_words": values.strings(stage.params["stopWords"]),
        "case_sensitive": values.boolean(stage.params["caseSensitive"]),
    }
    return words_to_words(MleapModel("stopwords_remover", attributes), stage, frame)


def ngram(stage: SavedStage, frame: Frame) -> list[Node]:
    """Runs of n words."""
    return words_to_words(MleapModel("ngram", {"n": values.int64(stage.params["n"])}), stage, frame)


def words_to_words(model: MleapModel, stage: SavedStage, frame: Frame) -> list[Node]:
    """One node with `model` for each column of words."""
    nodes = []
    for source, target in column_pairs(stage):
        frame.words(source)
        frame.write_words(target)
        nodes.append(one_to_one(model, source, target))
    return nodes


def hashing_tf(stage: SavedStage, frame: Frame) -> list[Node]:
    """The hash differs between Spark 2 and later, so its version is written."""
    spark = str(stage.metadata.get("sparkVersion", "3"))
    size = int(stage.params["numFeatures"])
    attributes = {
        "num_features": values.int64(size),
        "binary": values.boolean(stage.params["binary"]),
        "hashUnsafeBytesVersion": values.int32(
            HASH_OF_SPARK_2 if spark.startswith("2.") else HASH_OF_SPARK_3
        ),
    }
    return words_to_vector(MleapModel("hashing_term_frequency", attributes), size, stage, frame)


def count_vectorizer(stage: SavedStage, frame: Frame) -> list[Node]:
    """Counts of the words of a vocabulary."""
    vocabulary = stage.row()["vocabulary"]
    attributes = {
        "vocabulary": values.strings(vocabulary),
        "binary": values.boolean(stage.params["binary"]),
        "min_tf": values.double(stage.number("minTF")),
    }
    return words_to_vector(MleapModel("count_vectorizer", attributes), len(vocabulary), stage, frame)


def word_to_vector(stage: SavedStage, frame: Frame) -> list[Node]:
    """The mean of the words' vectors."""
    rows = sorted(stage.rows(), key=lambda row: str(row["word"]))
    size = len(rows[0]["vector"])
    attributes: dict[str, Any] = {
        "words": values.strings(row["word"] for row in rows),
        "indices": values.int64s(range(len(rows))),
        "word_vectors": values.doubles(number for row in rows for number in row["vector"]),
        "kernel": values.string("default"),
    }
    return words_to_vector(MleapModel("word_to_vector", attributes), size, stage, frame)


def words_to_vector(model: MleapModel, size: int, stage: SavedStage, frame: Frame) -> list[Node]:
    """A node with `model` that makes vectors of `size` numbers from a column of words."""
    source, target = single_pair(stage)
    frame.words(source)
    frame.write_vector(target, size)
    return [one_to_one(model, source, target)]


def idf(stage: SavedStage, frame: Frame) -> list[Node]:
    """Weights by rarity."""
    weights = vector_values(stage.row()["idf"])
    source, target = single_pair(stage)
    frame.vector(source, len(weights))
    frame.write_vector(target, len(weights))
    return [one_to_one(MleapModel("idf", {"idf": values.vector(weights)}), source, target)]


STAGES: dict[str, StageFunction] = {
    "Tokenizer": tokenizer,
    "RegexTokenizer": regex_tokenizer,
    "StopWordsRemover": stop_words_remover,
    "NGram": ngram,
    "HashingTF": hashing_tf,
    "CountVectorizerModel": count_vectorizer,
    "Word2VecModel": word_to_vector,
    "IDFModel": idf,
}
