package sparkml;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What the answers to plain invocations are made of, for all connections: the model, what Content-Type and
 * Accept ask for, and the head of a success.
 *
 * <p>Python decides both about headers and about heads, and says so here once for each pair and format.
 */
public final class PlainAnswers {
    /** The input of headers that no plain invocation has. */
    public static final int NOT_PLAIN = -1;

    private static final int HEADERS_KNOWN = 256;
    private static final DateTimeFormatter DATE =
            DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ROOT).withZone(ZoneOffset.UTC);

    final Container container;
    private final byte[] beforeDate;
    private final byte[][] afterDate;
    private final Map<Headers, Request> known = new ConcurrentHashMap<>();
    private volatile Date date = new Date(0, new byte[0]);
    private volatile boolean stopping;

    /** What the values of Content-Type and Accept are worth. */
    record Request(int input, int format) {}

    private record Headers(String contentType, String accept) {}

    private record Date(long second, byte[] text) {}

    /** `afterDate` is by format and ends where the Content-Length's number follows. */
    public PlainAnswers(Container container, byte[] beforeDate, byte[][] afterDate) {
        this.container = container;
        this.beforeDate = beforeDate;
        this.afterDate = afterDate;
    }

    /** Afterwards requests with these headers are answered, or left to the other server when NOT_PLAIN. */
    public void know(String contentType, String accept, int input, int format) {
        if (known.size() >= HEADERS_KNOWN) {
            known.clear();
        }
        known.put(new Headers(contentType, accept), new Request(input, format));
    }

    /** Puts an answer together and takes a head apart, so that the first client need not wait for the classes. */
    public void rehearse() {
        byte[] head = "POST /invocations HTTP/1.1\r\nContent-Type: x\r\nContent-Length: 0\r\n\r\n"
                .getBytes(StandardCharsets.US_ASCII);
        request(PlainHead.parse(head, 0, head.length));
        success(new byte[] {0}, 0);
    }

    /** Afterwards every connection ends with the answer under way. */
    public void stop() {
        stopping = true;
    }

    boolean isStopping() {
        return stopping;
    }

    /** Null where nobody has said yet what these headers are worth. */
    Request request(PlainHead head) {
        return known.get(new Headers(head.contentType, head.accept));
    }

    /** The bytes of a success; `answer` has its body from the second byte on. */
    byte[] success(byte[] answer, int format) {
        byte[] now = date();
        byte[] length = Integer.toString(answer.length - 1).getBytes(StandardCharsets.ISO_8859_1);
        byte[][] parts = {beforeDate, now, afterDate[format], length, END_OF_HEAD};
        int size = answer.length - 1;
        for (byte[] part : parts) {
            size += part.length;
        }
        byte[] whole = new byte[size];
        int at = 0;
        for (byte[] part : parts) {
            System.arraycopy(part, 0, whole, at, part.length);
            at += part.length;
        }
        System.arraycopy(answer, 1, whole, at, answer.length - 1);
        return whole;
    }

    private static final byte[] END_OF_HEAD = {'\r', '\n', '\r', '\n'};

    private byte[] date() {
        long second = System.currentTimeMillis() / 1000;
        Date current = date;
        if (current.second != second) {
            String text = DATE.format(Instant.ofEpochSecond(second));
            current = new Date(second, text.getBytes(StandardCharsets.ISO_8859_1));
            date = current;
        }
        return current.text;
    }
}
