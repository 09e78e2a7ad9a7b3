package com.amazonaws.sagemaker.dto;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Objects;

/** One JSON line that holds several records. */
public final class SageMakerRequestListObject {
    private final DataSchema schema;
    private final List<List<Object>> data;

    @JsonCreator
    public SageMakerRequestListObject(
            @JsonProperty("schema") DataSchema schema, @JsonProperty("data") List<List<Object>> data) {
        this.schema = schema;
        this.data = Objects.requireNonNull(data);
    }

    public DataSchema getSchema() {
        return schema;
    }

    public List<List<Object>> getData() {
        return data;
    }
}
