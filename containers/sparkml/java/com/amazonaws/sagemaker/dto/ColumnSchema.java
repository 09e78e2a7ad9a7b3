package com.amazonaws.sagemaker.dto;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Objects;

/**
 * One column of a schema. These four classes bear the names they have in AWS's container because the
 * JSON parser quotes class names in the messages that clients get to see.
 */
public final class ColumnSchema {
    private final String name;
    private final String type;
    private final String struct;

    @JsonCreator
    public ColumnSchema(
            @JsonProperty("name") String name,
            @JsonProperty("type") String type,
            @JsonProperty("struct") String struct) {
        this.name = Objects.requireNonNull(name);
        this.type = Objects.requireNonNull(type);
        this.struct = struct == null ? "basic" : struct;
    }

    public String getName() {
        return name;
    }

    public String getType() {
        return type;
    }

    public String getStruct() {
        return struct;
    }
}
