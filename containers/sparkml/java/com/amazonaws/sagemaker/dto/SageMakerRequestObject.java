package com.amazonaws.sagemaker.dto;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Objects;

/** A JSON body, or one JSON line: the values of one record, and perhaps their schema. */
public final class SageMakerRequestObject {
    private final DataSchema schema;
    private final List<Object> data;

    @JsonCreator
    public SageMakerRequestObject(
            @JsonProperty("schema") DataSchema schema, @JsonProperty("data") List<Object> data) {
        this.schema = schema;
        this.data = Objects.requireNonNull(data);
    }

    public DataSchema getSchema() {
        return schema;
    }

    public List<Object> getData() {
        return data;
    }
}
