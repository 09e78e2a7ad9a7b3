package sparkml;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The head of a plain invocation: POST /invocations in HTTP/1.1 with a Content-Length, kept alive.
 *
 * <p>It is narrow on purpose. Whatever has a header that changes how HTTP goes on, comes twice, is not ASCII or
 * has not arrived as a whole is not plain, and is left to the HTTP server beside this one.
 */
final class PlainHead {
    private static final byte[] REQUEST_LINE = "POST /invocations HTTP/1.1\r\n".getBytes(StandardCharsets.US_ASCII);
    private static final int DIGITS = 9;
    private static final boolean[] IN_NAMES = new boolean[128];

    static {
        for (char character = 0; character < 128; character++) {
            IN_NAMES[character] = Character.isLetterOrDigit(character) || character == '-' || character == '_';
        }
    }

    /** The values without blanks around them; Accept is empty where there is none. */
    String contentType;
    String accept = "";

    int contentLength = -1;

    /** Where the body begins in the buffer. */
    int end;

    private boolean accepts;

    private PlainHead() {}

    /** The head that begins at `start`; null when these bytes are not one of a plain invocation as a whole. */
    static PlainHead parse(byte[] buffer, int start, int end) {
        int at = start + REQUEST_LINE.length;
        if (at > end || !Arrays.equals(buffer, start, at, REQUEST_LINE, 0, REQUEST_LINE.length)) {
            return null;
        }
        PlainHead head = new PlainHead();
        while (at < end && buffer[at] != '\r') {
            at = head.header(buffer, at, end);
            if (at < 0) {
                return null;
            }
        }
        head.end = at + 2;
        boolean whole = head.end <= end && buffer[at + 1] == '\n';
        return whole && head.contentType != null && head.contentLength >= 0 ? head : null;
    }

    /** Where the next header begins, or -1 when this one is not plain. */
    private int header(byte[] buffer, int start, int end) {
        int colon = start;
        while (colon < end && buffer[colon] >= 0 && IN_NAMES[buffer[colon]]) {
            colon++;
        }
        if (colon == start || colon >= end || buffer[colon] != ':') {
            return -1;
        }
        int lineEnd = colon + 1;
        while (lineEnd < end && (buffer[lineEnd] >= ' ' && buffer[lineEnd] < 127 || buffer[lineEnd] == '\t')) {
            lineEnd++;
        }
        if (lineEnd + 1 >= end || buffer[lineEnd] != '\r' || buffer[lineEnd + 1] != '\n') {
            return -1;
        }
        return take(buffer, start, colon, lineEnd) ? lineEnd + 2 : -1;
    }

    private boolean take(byte[] buffer, int start, int colon, int lineEnd) {
        int length = colon - start;
        // only names of these lengths matter
        if (length != 6 && length != 7 && length != 10 && length != 12 && length != 14 && length < 16) {
            return true;
        }
        return switch (text(buffer, start, colon).toLowerCase(java.util.Locale.ROOT)) {
            case "content-type" -> contentType == null && (contentType = value(buffer, colon, lineEnd)) != null;
            case "content-length" -> contentLength < 0 && (contentLength = number(value(buffer, colon, lineEnd))) >= 0;
            case "accept" -> !accepts && (accepts = true) && (accept = value(buffer, colon, lineEnd)) != null;
            case "connection" -> value(buffer, colon, lineEnd).equalsIgnoreCase("keep-alive");
            case "expect", "upgrade", "proxy-connection", "transfer-encoding" -> false;
            default -> true;
        };
    }

    private static int number(String digits) {
        if (digits.isEmpty() || digits.length() > DIGITS) {
            return -1;
        }
        for (int index = 0; index < digits.length(); index++) {
            if (digits.charAt(index) < '0' || digits.charAt(index) > '9') {
                return -1;
            }
        }
        return Integer.parseInt(digits);
    }

    private static String value(byte[] buffer, int colon, int lineEnd) {
        int from = colon + 1;
        int to = lineEnd;
        while (from < to && isBlank(buffer[from])) {
            from++;
        }
        while (to > from && isBlank(buffer[to - 1])) {
            to--;
        }
        return text(buffer, from, to);
    }

    private static boolean isBlank(byte character) {
        return character == ' ' || character == '\t';
    }

    private static String text(byte[] buffer, int from, int to) {
        return new String(buffer, from, to - from, StandardCharsets.ISO_8859_1);
    }
}
