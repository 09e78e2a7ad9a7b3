package sparkml;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.util.Arrays;
import jdk.internal.access.SharedSecrets;

/**
 * A client's connection for as long as its requests are plain invocations that succeed.
 *
 * <p>The thread that calls `serve` reads, scores and writes itself, so that nothing is handed over and Python
 * has no part in it. The first request that is anything else comes back untouched.
 */
public final class PlainConnection {
    /** Nothing more can come: the client has gone, or the process is about to. */
    public static final int CLOSED = 0;
    /** `rest` is for the other HTTP server. */
    public static final int NOT_PLAIN = 1;
    /** As NOT_PLAIN, but plain once PlainAnswers knows `contentType` and `accept`. */
    public static final int UNKNOWN_HEADERS = 2;

    private static final int USUAL_BYTES = 8192;
    private static final int READ_BYTES = 64 * 1024;
    private static final int LONGEST_BODY = 1024 * 1024;

    /** What was read and not answered, after `serve`. */
    public byte[] rest = new byte[0];

    public String contentType;
    public String accept;

    /** The requests answered so far. */
    public int served;

    private final PlainAnswers answers;
    private final FileInputStream input;
    private final FileOutputStream output;
    private volatile boolean idle;
    private byte[] buffer = new byte[USUAL_BYTES];
    private int end;

    /** The descriptor must be one of a blocking socket. It stays the caller's to close. */
    public PlainConnection(PlainAnswers answers, int descriptor) {
        this.answers = answers;
        FileDescriptor opened = new FileDescriptor();
        SharedSecrets.getJavaIOFileDescriptorAccess().set(opened, descriptor);
        input = new FileInputStream(opened);
        output = new FileOutputStream(opened);
    }

    /** Whether the thread in `serve` waits for the first byte of a request. */
    public boolean isIdle() {
        return idle;
    }

    /** Answers requests, beginning with the bytes in `pending`, until one is not for this class. */
    public int serve(byte[] pending) {
        ClassLoaders.makeKnown();
        buffer = Arrays.copyOf(pending, Math.max(pending.length, USUAL_BYTES));
        end = pending.length;
        try {
            while (end > 0 || awaitRequest()) {
                int outcome = answerOne();
                if (outcome != SERVED) {
                    rest = Arrays.copyOf(buffer, end);
                    return outcome;
                }
                if (answers.isStopping()) {
                    return CLOSED;
                }
            }
        } catch (IOException gone) {
            // there is nobody to tell
        }
        return CLOSED;
    }

    private static final int SERVED = -1;

    private boolean awaitRequest() throws IOException {
        idle = true;
        try {
            return !answers.isStopping() && readMore();
        } finally {
            idle = false;
        }
    }

    private boolean readMore() throws IOException {
        int count = input.read(buffer, end, Math.min(buffer.length - end, READ_BYTES));
        end += Math.max(count, 0);
        return count > 0;
    }

    private int answerOne() throws IOException {
        PlainHead head = PlainHead.parse(buffer, 0, end);
        if (head == null || head.contentLength == 0 || head.contentLength > LONGEST_BODY) {
            return NOT_PLAIN;
        }
        PlainAnswers.Request request = answers.request(head);
        if (request == null) {
            contentType = head.contentType;
            accept = head.accept;
            return UNKNOWN_HEADERS;
        }
        if (request.input() == PlainAnswers.NOT_PLAIN) {
            return NOT_PLAIN;
        }
        int length = head.end + head.contentLength;
        if (!readUntil(length)) {
            return CLOSED;
        }
        if (answers.isStopping()) {
            return NOT_PLAIN;
        }
        byte[] body = Arrays.copyOfRange(buffer, head.end, length);
        byte[] answer = answers.container.invoke(body, request.input(), request.format());
        if (answer[0] != Container.OK) {
            return NOT_PLAIN;
        }
        output.write(answers.success(answer, request.format()));
        served++;
        forget(length);
        return SERVED;
    }

    /** The buffer grows with what arrives, not with what a client says it will send. */
    private boolean readUntil(int length) throws IOException {
        while (end < length) {
            if (end == buffer.length) {
                buffer = Arrays.copyOf(buffer, Math.min(Math.max(length, USUAL_BYTES), 2 * buffer.length));
            }
            if (!readMore()) {
                return false;
            }
        }
        return true;
    }

    private void forget(int length) {
        int following = end - length;
        if (buffer.length > USUAL_BYTES && following <= USUAL_BYTES) {
            buffer = Arrays.copyOf(Arrays.copyOfRange(buffer, length, end), USUAL_BYTES);
        } else if (following > 0) {
            System.arraycopy(buffer, length, buffer, 0, following);
        }
        end = following;
    }
}
