package sparkml;

import com.amazonaws.sagemaker.dto.ColumnSchema;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonSerializer;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.module.SimpleModule;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import ml.combust.mleap.runtime.frame.ArrayRow;
import scala.collection.JavaConverters;

/** Text of the output column in each of the three formats an Accept header can name. */
final class Output {
    static final int CSV = 0;
    static final int JSON_LINES = 1;
    static final int JSON_LINES_TEXT = 2;

    private static final ObjectMapper JSON =
            new ObjectMapper()
                    .registerModule(
                            new SimpleModule()
                                    .addSerializer(Double.class, new NumberSerializer<Double>())
                                    .addSerializer(Float.class, new NumberSerializer<Float>()));

    private Output() {}

    /** The answer for a row whose only value is the output column. */
    static String text(ColumnSchema output, ArrayRow row, int format) throws JsonProcessingException {
        if (output.getStruct().equals("basic")) {
            return scalar(output.getType(), row);
        }
        Iterator<?> items = items(output.getStruct(), row);
        return switch (format) {
            case JSON_LINES -> JSON.writeValueAsString(Map.of("features", listOf(items)));
            case JSON_LINES_TEXT -> JSON.writeValueAsString(Map.of("source", joined(items, " ")));
            default -> joined(items, ",");
        };
    }

    private static String scalar(String type, ArrayRow row) {
        return switch (type) {
            case "int" -> Integer.toString(row.getInt(0));
            case "long" -> Long.toString(row.getLong(0));
            // AWS's container reads float columns as double, which fails for every float
            case "float", "double" -> NumberText.of(row.getDouble(0));
            case "boolean" -> Boolean.toString(row.getBool(0));
            case "byte" -> Byte.toString(row.getByte(0));
            case "short" -> Short.toString(row.getShort(0));
            case "string" -> row.getString(0).toString();
            default -> throw new IllegalArgumentException("Given type is not supported");
        };
    }

    private static Iterator<?> items(String struct, ArrayRow row) {
        if (struct.equals("vector")) {
            return JavaConverters.asJavaIterator(row.getTensor(0).toDense().rawValuesIterator());
        }
        return row.getList(0).iterator();
    }

    private static String joined(Iterator<?> items, String separator) {
        StringJoiner text = new StringJoiner(separator);
        while (items.hasNext()) {
            text.add(NumberText.of(items.next()));
        }
        return text.toString();
    }

    private static List<Object> listOf(Iterator<?> items) {
        List<Object> list = new ArrayList<>();
        items.forEachRemaining(list::add);
        return list;
    }

    /** Jackson would print numbers with the toString of the running JDK. */
    private static final class NumberSerializer<T extends Number> extends JsonSerializer<T> {
        @Override
        public void serialize(T value, JsonGenerator json, SerializerProvider provider) throws IOException {
            if (Double.isFinite(value.doubleValue())) {
                json.writeNumber(NumberText.of((Object) value));
            } else {
                json.writeString(value.toString());
            }
        }
    }
}
