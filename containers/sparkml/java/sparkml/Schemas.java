package sparkml;

import com.amazonaws.sagemaker.dto.ColumnSchema;
import com.amazonaws.sagemaker.dto.DataSchema;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The schemas that came with requests lately, so that clients who send theirs each time are served as fast. */
final class Schemas {
    private static final int REMEMBERED = 16;

    private final Map<String, Schema> known = new ConcurrentHashMap<>();

    /** The schema made ready, new or remembered. */
    Schema of(DataSchema given) {
        String key = key(given);
        Schema schema = known.get(key);
        if (schema == null) {
            schema = new Schema(given);
            if (known.size() >= REMEMBERED) {
                known.clear();
            }
            known.put(key, schema);
        }
        return schema;
    }

    private static String key(DataSchema given) {
        StringBuilder key = new StringBuilder();
        append(key, given.getOutput());
        given.getInput().forEach(column -> append(key, column));
        return key.toString();
    }

    private static void append(StringBuilder key, ColumnSchema column) {
        for (String part : new String[] {column.getName(), column.getType(), column.getStruct()}) {
            key.append(part.length()).append(':').append(part);
        }
    }
}
