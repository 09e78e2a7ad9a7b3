package sparkml;

import java.util.Iterator;
import java.util.List;
import java.util.Map;
import jdk.internal.math.FloatingDecimal;

/**
 * Text of values as toString() gives it on JDK 8, the platform of AWS's container.
 *
 * <p>Since JDK 19 Double.toString prints the shortest decimal, which has other digits for one double in
 * three of size 1e15 to 1e20. The earlier algorithm is still in the JDK, in the class used here; the JVM
 * has to be started with --add-exports java.base/jdk.internal.math=ALL-UNNAMED.
 */
public final class NumberText {
    private NumberText() {}

    /** A double as Double.toString wrote it up to JDK 18. */
    public static String of(double value) {
        return FloatingDecimal.toJavaFormatString(value);
    }

    /** A float as Float.toString wrote it up to JDK 18. */
    public static String of(float value) {
        return FloatingDecimal.toJavaFormatString(value);
    }

    /** value.toString() of JDK 8, also for numbers inside lists and maps. Fails on null as that does. */
    static String of(Object value) {
        if (value instanceof String text) {
            return text;
        }
        if (value instanceof Double number) {
            return of(number.doubleValue());
        }
        if (value instanceof Float number) {
            return of(number.floatValue());
        }
        if (value instanceof List<?> list) {
            return list(list);
        }
        return value instanceof Map<?, ?> map ? map(map) : value.toString();
    }

    private static String list(List<?> list) {
        StringBuilder text = new StringBuilder("[");
        for (Iterator<?> items = list.iterator(); items.hasNext(); ) {
            text.append(nullable(items.next())).append(items.hasNext() ? ", " : "");
        }
        return text.append(']').toString();
    }

    private static String map(Map<?, ?> map) {
        StringBuilder text = new StringBuilder("{");
        for (Iterator<? extends Map.Entry<?, ?>> entries = map.entrySet().iterator(); entries.hasNext(); ) {
            Map.Entry<?, ?> entry = entries.next();
            text.append(nullable(entry.getKey())).append('=').append(nullable(entry.getValue()));
            text.append(entries.hasNext() ? ", " : "");
        }
        return text.append('}').toString();
    }

    private static String nullable(Object value) {
        return value == null ? "null" : of(value);
    }
}
