package sparkml;

import com.amazonaws.sagemaker.dto.ColumnSchema;
import java.util.ArrayList;
import java.util.List;
import ml.combust.mleap.core.types.BasicType;
import ml.combust.mleap.core.types.DataType;
import ml.combust.mleap.core.types.ListType;
import ml.combust.mleap.core.types.ScalarType;
import ml.combust.mleap.core.types.StructField;
import ml.combust.mleap.core.types.TensorType;
import ml.combust.mleap.runtime.javadsl.LeapFrameBuilderSupport;
import org.apache.spark.ml.linalg.Vectors;

/** One input column: its place in the frame, and how the values of requests become its values. */
final class Column {
    private static final LeapFrameBuilderSupport TYPES = new LeapFrameBuilderSupport();

    private final String type;
    private final String struct;
    private final boolean basic;
    private final StructField field;

    Column(ColumnSchema schema) {
        type = schema.getType();
        struct = schema.getStruct();
        basic = struct.isBlank() || struct.equals("basic");
        BasicType base = baseType(type);
        field = base == null ? null : new StructField(schema.getName(), dataType(base, struct));
    }

    private static BasicType baseType(String type) {
        return switch (type) {
            case "boolean" -> TYPES.createBoolean();
            case "byte" -> TYPES.createByte();
            case "short" -> TYPES.createShort();
            case "int" -> TYPES.createInt();
            case "long" -> TYPES.createLong();
            case "float" -> TYPES.createFloat();
            case "double" -> TYPES.createDouble();
            case "string" -> TYPES.createString();
            default -> null;
        };
    }

    private static DataType dataType(BasicType base, String struct) {
        return switch (struct) {
            case "vector" -> new TensorType(base, true);
            case "array" -> new ListType(base, true);
            default -> new ScalarType(base, true);
        };
    }

    /** The column as MLeap sees it. */
    StructField field() {
        if (field == null) {
            throw new IllegalArgumentException("Data type passed in the request is wrong for one or more columns");
        }
        return field;
    }

    /** The value of this column for a value of a JSON body. */
    Object value(Object given) {
        if (basic) {
            return scalar(NumberText.of(given));
        }
        return struct.equals("array") ? array(given) : vector(given);
    }

    /** The value for one CSV field whose text `scalar` has accepted: only basic columns can have one. */
    Object valueOfField(Object scalar) {
        return basic ? scalar : value(scalar);
    }

    /** The Java value of a text, whatever the struct. */
    Object scalar(String text) {
        return switch (type) {
            case "double" -> Double.valueOf(text);
            case "string" -> text;
            case "int" -> Integer.valueOf(text);
            case "long" -> Long.valueOf(text);
            case "float" -> Float.valueOf(text);
            case "boolean" -> Boolean.valueOf(text);
            case "byte" -> Byte.valueOf(text);
            case "short" -> Short.valueOf(text);
            default -> throw new IllegalArgumentException("Given type is not supported");
        };
    }

    private Object array(Object given) {
        if (given != null && !(given instanceof List)) {
            throw new IllegalArgumentException("Input val is not a list but struct passed is array");
        }
        Class<?> element = elementClass();
        List<Object> items = new ArrayList<>();
        for (Object item : (List<?>) given) {
            items.add(cast(item, element));
        }
        return items;
    }

    /** Class.cast words its failure differently from the cast operator. */
    private static Object cast(Object item, Class<?> element) {
        if (item != null && !element.isInstance(item)) {
            throw new ClassCastException(item.getClass().getName() + " cannot be cast to " + element.getName());
        }
        return item;
    }

    private Class<?> elementClass() {
        return switch (type) {
            case "int" -> Integer.class;
            case "long" -> Long.class;
            // AWS's container casts the elements of float arrays to Double
            case "float", "double" -> Double.class;
            case "boolean" -> Boolean.class;
            case "byte" -> Byte.class;
            case "short" -> Short.class;
            default -> String.class;
        };
    }

    private Object vector(Object given) {
        if (!type.equals("double")) {
            throw new IllegalArgumentException("Only Double type is supported for vector");
        }
        if (given != null && !(given instanceof List)) {
            throw new IllegalArgumentException("Input val is not a list but struct passed is vector");
        }
        List<?> items = (List<?>) given;
        double[] values = new double[items.size()];
        for (int index = 0; index < values.length; index++) {
            values[index] = (Double) items.get(index);
        }
        return Vectors.dense(values);
    }
}
