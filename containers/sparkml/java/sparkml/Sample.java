package sparkml;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.StringJoiner;
import java.util.concurrent.TimeUnit;
import ml.combust.mleap.core.types.BasicType;
import ml.combust.mleap.core.types.DataType;
import ml.combust.mleap.core.types.ListType;
import ml.combust.mleap.core.types.ScalarType;
import ml.combust.mleap.core.types.StructField;
import ml.combust.mleap.core.types.StructType;
import ml.combust.mleap.core.types.TensorType;
import ml.combust.mleap.runtime.frame.Transformer;
import scala.collection.JavaConverters;

/** A made-up record in the schema of the environment, or else in the one the pipeline itself asks for. */
final class Sample {
    private static final int VECTOR_SIZE = 3;
    private static final int CALLS_PER_LOOK_AT_THE_CLOCK = 20;

    private final Map<String, String> known = new HashMap<>();
    private final Map<String, Integer> vectorSizes = new HashMap<>();
    private final JsonNode schema;
    private final boolean ofEnvironment;

    Sample(Transformer pipeline, String schemaText, String[] columns, String[] texts) throws JsonProcessingException {
        for (int index = 0; index < columns.length; index++) {
            known.put(columns[index], texts[index]);
        }
        ofEnvironment = schemaText != null;
        schema = ofEnvironment ? new ObjectMapper().readTree(schemaText) : schemaOf(pipeline);
        rememberVectorSizes(pipeline.inputSchema());
    }

    /** Scores until one of the limits is reached, as CSV where CSV can carry the record. Returns the count. */
    int score(Container container, int records, long milliseconds) {
        byte[] json = json();
        byte[] csv = ofEnvironment ? csv() : null;
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(milliseconds);
        int calls = 0;
        while (calls < records && System.nanoTime() < end) {
            for (int call = 0; call < CALLS_PER_LOOK_AT_THE_CLOCK; call++, calls++) {
                if (csv == null || call == 0) {
                    container.invoke(json, Container.JSON, call % 2);
                } else {
                    container.invoke(csv, Container.CSV, Output.CSV);
                }
            }
        }
        return calls;
    }

    private byte[] csv() {
        StringJoiner fields = new StringJoiner(",");
        for (JsonNode column : schema.get("input")) {
            if (!column.path("struct").asText("basic").equals("basic")) {
                return null;
            }
            fields.add('"' + text(column).replace("\"", "\"\"") + '"');
        }
        return fields.toString().getBytes(StandardCharsets.UTF_8);
    }

    private byte[] json() {
        ObjectNode request = JsonNodeFactory.instance.objectNode();
        if (!ofEnvironment) {
            request.set("schema", schema);
        }
        ArrayNode data = request.putArray("data");
        for (JsonNode column : schema.get("input")) {
            if (column.path("struct").asText("basic").equals("basic")) {
                data.add(text(column));
            } else {
                addItems(data.addArray(), column);
            }
        }
        return request.toString().getBytes(StandardCharsets.UTF_8);
    }

    private String text(JsonNode column) {
        String ofType =
                switch (column.path("type").asText()) {
                    case "double", "float" -> "0.5";
                    case "boolean" -> "true";
                    case "string" -> "a b";
                    default -> "1";
                };
        return known.getOrDefault(column.path("name").asText(), ofType);
    }

    private void addItems(ArrayNode items, JsonNode column) {
        int size = vectorSizes.getOrDefault(column.path("name").asText(), VECTOR_SIZE);
        for (int item = 0; item < size; item++) {
            switch (column.path("type").asText()) {
                case "double", "float" -> items.add(0.5);
                case "boolean" -> items.add(true);
                case "string" -> items.add("a");
                default -> items.add(1);
            }
        }
    }

    private void rememberVectorSizes(StructType inputs) {
        for (StructField field : fields(inputs)) {
            if (field.dataType() instanceof TensorType tensor && tensor.dimensions().isDefined()) {
                List<Object> sizes = JavaConverters.seqAsJavaList(tensor.dimensions().get());
                vectorSizes.put(field.name(), sizes.isEmpty() ? VECTOR_SIZE : (Integer) sizes.get(0));
            }
        }
    }

    private static JsonNode schemaOf(Transformer pipeline) {
        ObjectNode schema = JsonNodeFactory.instance.objectNode();
        ArrayNode input = schema.putArray("input");
        for (StructField field : fields(pipeline.inputSchema())) {
            describe(input.addObject(), field);
        }
        List<StructField> outputs = fields(pipeline.outputSchema());
        describe(schema.putObject("output"), outputs.get(outputs.size() - 1));
        return schema;
    }

    private static void describe(ObjectNode column, StructField field) {
        DataType type = field.dataType();
        BasicType base;
        if (type instanceof TensorType tensor) {
            column.put("struct", "vector");
            base = tensor.base();
        } else if (type instanceof ListType list) {
            column.put("struct", "array");
            base = list.base();
        } else {
            base = ((ScalarType) type).base();
        }
        column.put("name", field.name());
        column.put("type", base.getClass().getSimpleName().replace("$", "").toLowerCase(Locale.ROOT));
    }

    private static List<StructField> fields(StructType type) {
        return JavaConverters.seqAsJavaList(type.fields());
    }
}
