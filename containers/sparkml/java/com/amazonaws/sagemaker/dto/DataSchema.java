package com.amazonaws.sagemaker.dto;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Objects;

/** The columns of a record in their order, and the column to answer with. */
public final class DataSchema {
    private final List<ColumnSchema> input;
    private final ColumnSchema output;

    @JsonCreator
    public DataSchema(
            @JsonProperty("input") List<ColumnSchema> input, @JsonProperty("output") ColumnSchema output) {
        this.input = Objects.requireNonNull(input);
        this.output = Objects.requireNonNull(output);
    }

    public List<ColumnSchema> getInput() {
        return input;
    }

    public ColumnSchema getOutput() {
        return output;
    }
}
