package sparkml;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Loads a model and scores a few records, so that the JVM can note which classes a start needs. */
public final class Rehearsal {
    private static final int RECORDS = 200;
    private static final int MILLISECONDS = 2000;

    private Rehearsal() {}

    /** The one argument is a directory that holds the model, and beside it schema.json and record.csv. */
    public static void main(String[] arguments) throws Exception {
        Path directory = Path.of(arguments[0]);
        String schema = Files.readString(directory.resolve("schema.json"), StandardCharsets.UTF_8);
        Container container = new Container(directory.resolve("model").toString(), schema);
        byte[] record = Files.readAllBytes(directory.resolve("record.csv"));
        String answer = new String(container.invoke(record, Container.CSV, Output.CSV), 1, 4, StandardCharsets.UTF_8);
        container.invoke(record, Container.CSV, Container.NOT_ACCEPTABLE);
        container.warmUp(new String[0], new String[0], RECORDS, MILLISECONDS);
        rehearsePlainRequests(container);
        System.out.println(answer);
    }

    private static void rehearsePlainRequests(Container container) {
        PlainAnswers answers = new PlainAnswers(container, new byte[0], new byte[][] {new byte[0]});
        answers.rehearse();
        new PlainConnection(answers, -1).serve("POST /invocations HTTP/1.1\r\n".getBytes(StandardCharsets.US_ASCII));
    }
}
