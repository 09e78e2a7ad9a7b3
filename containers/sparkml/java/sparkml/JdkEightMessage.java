package sparkml;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Messages of the Java runtime's own exceptions in the wording of JDK 8, which clients of AWS's container see. */
final class JdkEightMessage {
    private static final Pattern CAST = Pattern.compile("class (\\S+) cannot be cast to class (\\S+)( \\(.*\\))?", Pattern.DOTALL);
    private static final Pattern INDEX = Pattern.compile("Index (-?\\d+) out of bounds for length (\\d+)");
    private static final Pattern SUBSTRING = Pattern.compile("begin (-?\\d+), end (-?\\d+), length (\\d+)");

    private JdkEightMessage() {}

    /** What getMessage() gives for this exception on JDK 8; null where it has none there. */
    static String of(Throwable error) {
        String message = error.getMessage();
        if (message == null || error instanceof NegativeArraySizeException) {
            return null;
        }
        if (error instanceof ClassCastException) {
            Matcher match = CAST.matcher(message);
            return match.matches() ? match.group(1) + " cannot be cast to " + match.group(2) : message;
        }
        return error instanceof IndexOutOfBoundsException ? index((IndexOutOfBoundsException) error, message) : message;
    }

    private static String index(IndexOutOfBoundsException error, String message) {
        if (message.startsWith("arraycopy: ")) {
            return null;
        }
        Matcher match = INDEX.matcher(message);
        if (match.matches()) {
            if (error instanceof ArrayIndexOutOfBoundsException) {
                return match.group(1);
            }
            return error instanceof StringIndexOutOfBoundsException
                    ? "String index out of range: " + match.group(1)
                    : "Index: " + match.group(1) + ", Size: " + match.group(2);
        }
        Matcher part = SUBSTRING.matcher(message);
        return part.matches() ? "String index out of range: " + offending(part) : message;
    }

    private static int offending(Matcher part) {
        int begin = Integer.parseInt(part.group(1));
        int end = Integer.parseInt(part.group(2));
        if (begin < 0) {
            return begin;
        }
        return end > Integer.parseInt(part.group(3)) ? end : end - begin;
    }
}
