package sparkml;

import com.amazonaws.sagemaker.dto.DataSchema;
import com.amazonaws.sagemaker.dto.SageMakerRequestListObject;
import com.amazonaws.sagemaker.dto.SageMakerRequestObject;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.Charset;
import java.nio.charset.IllegalCharsetNameException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import ml.combust.mleap.runtime.frame.ArrayRow;
import ml.combust.mleap.runtime.frame.Row;

/**
 * POST /invocations from the body to the answer, in one call from Python.
 *
 * <p>An answer is one byte of outcome and then the body in UTF-8. The checks come in the order of AWS's
 * container: shape of a JSON body, Accept, schema, values, transformation, output.
 */
public final class Container {
    public static final int CSV = 0;
    public static final int JSON = 1;
    public static final int JSON_LINES = 2;

    /** The output format of an Accept value, or of the environment's default, that is not allowed. */
    public static final int NOT_ACCEPTABLE = -1;

    static final byte OK = 0;
    private static final byte REFUSED = 1;
    private static final byte REFUSED_WITHOUT_MESSAGE = 2;
    private static final byte UNREADABLE = 3;
    private static final byte BROKEN = 4;

    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final Model model;
    private final String schemaText;
    private final Schemas givenSchemas = new Schemas();
    private volatile Schema environmentSchema;

    /** `schemaText` is SAGEMAKER_SPARKML_SCHEMA, or null. It is looked at by the first request that needs it. */
    public Container(String modelDirectory, String schemaText) {
        ClassLoaders.makeKnown();
        this.model = new Model(modelDirectory);
        this.schemaText = schemaText;
    }

    /** The outcome of one request. `format` is one of Output's, or NOT_ACCEPTABLE. Never throws. */
    public byte[] invoke(byte[] body, int contentType, int format) {
        ClassLoaders.makeKnown();
        return contentType == JSON ? invokeJson(body, null, format) : outcome(() -> text(body, contentType, format));
    }

    /** The same for a JSON body in a charset that is not one of JSON's own; null for those, which are detected. */
    public byte[] invokeJson(byte[] body, String charset, int format) {
        ClassLoaders.makeKnown();
        SageMakerRequestObject request;
        try {
            request = charset == null
                    ? MAPPER.readValue(body, SageMakerRequestObject.class)
                    : MAPPER.readValue(
                            new InputStreamReader(new ByteArrayInputStream(body), Charset.forName(charset)),
                            SageMakerRequestObject.class);
        } catch (IOException error) {
            return answer(UNREADABLE, error.getMessage());
        } catch (Throwable error) {
            return answer(BROKEN, error.toString());
        }
        return request == null ? answer(UNREADABLE, "null") : outcome(() -> json(request, format));
    }

    /** Whether the Java runtime has a charset of that name. */
    public static boolean hasCharset(String name) {
        try {
            return Charset.isSupported(name);
        } catch (IllegalCharsetNameException error) {
            return false;
        }
    }

    /**
     * Scores a made-up record so many times, or for that time if it is over first, so that the first real
     * ones meet compiled code. `texts` are values known to suit the columns of the same place in `columns`.
     * Returns how many times it was, 0 when no record could be made; never throws.
     */
    public int warmUp(String[] columns, String[] texts, int records, long milliseconds) {
        try {
            return new Sample(model.pipeline, schemaText, columns, texts).score(this, records, milliseconds);
        } catch (Throwable notWorthFailingFor) {
            return 0;
        }
    }

    private interface Work {
        String text() throws Exception;
    }

    private static byte[] outcome(Work work) {
        try {
            return answer(OK, work.text());
        } catch (Exception error) {
            String message = JdkEightMessage.of(error);
            return message == null ? answer(REFUSED_WITHOUT_MESSAGE, error.toString()) : answer(REFUSED, message);
        } catch (Throwable error) {
            return answer(BROKEN, error.toString());
        }
    }

    private static byte[] answer(byte outcome, String text) {
        byte[] encoded = text.getBytes(StandardCharsets.UTF_8);
        byte[] answer = new byte[encoded.length + 1];
        answer[0] = outcome;
        System.arraycopy(encoded, 0, answer, 1, encoded.length);
        return answer;
    }

    private String text(byte[] body, int contentType, int format) throws IOException {
        requireFormat(format);
        String text = new String(body, StandardCharsets.UTF_8);
        return contentType == CSV ? csv(text, format) : jsonLines(text, format);
    }

    private String csv(String text, int format) throws IOException {
        Schema schema = schema(null);
        return score(schema, schema.row(CsvRecord.first(text)), format);
    }

    private String json(SageMakerRequestObject request, int format) throws IOException {
        requireFormat(format);
        Schema schema = schema(request.getSchema());
        return score(schema, schema.row(request.getData()), format);
    }

    private String jsonLines(String text, int format) throws IOException {
        String[] lines = text.split("\\r?\\n");
        Schema schema = schema(MAPPER.readValue(lines[0], SageMakerRequestObject.class).getSchema());
        List<List<Object>> records = new ArrayList<>();
        for (String line : lines) {
            records.addAll(recordsOf(line));
        }
        List<List<String>> answers = new ArrayList<>();
        for (List<Object> record : records) {
            answers.add(List.of(score(schema, schema.row(record), format)));
        }
        answers.get(0);
        return answers.toString();
    }

    private static List<List<Object>> recordsOf(String line) throws JsonProcessingException {
        try {
            return MAPPER.readValue(line, SageMakerRequestListObject.class).getData();
        } catch (JsonMappingException notAListOfLists) {
            return List.of(MAPPER.readValue(line, SageMakerRequestObject.class).getData());
        }
    }

    private String score(Schema schema, Row row, int format) throws JsonProcessingException {
        CompiledPipeline compiled = schema.compiled(model.pipeline);
        ArrayRow scored = compiled == null ? null : compiled.transform(row);
        if (scored == null) {
            scored = model.transform(schema.frame(row), schema.output.getName());
        }
        return Output.text(schema.output, scored, format);
    }

    private static void requireFormat(int format) {
        if (format == NOT_ACCEPTABLE) {
            throw new IllegalArgumentException("Accept value passed via request or environment variable is not valid");
        }
    }

    private Schema schema(DataSchema given) throws JsonProcessingException {
        if (given != null) {
            return givenSchemas.of(given);
        }
        if (schemaText == null) {
            throw new IllegalStateException(
                    "Input schema has to be provided either via environment variable or via the request");
        }
        Schema known = environmentSchema;
        if (known == null) {
            known = new Schema(MAPPER.readValue(schemaText, DataSchema.class));
            environmentSchema = known;
        }
        return known;
    }
}
