package sparkml;

import java.io.IOException;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import org.apache.commons.csv.CSVFormat;

/** The fields of the first record of a CSV text; the lines after it are parsed too, as AWS's container does. */
final class CsvRecord {
    private CsvRecord() {}

    /** Fails as commons-csv does on what it cannot read, and as an empty list does when there is no record. */
    static String[] first(String text) throws IOException {
        String[] simple = simple(text);
        return simple != null ? simple : parsed(text);
    }

    private static String[] parsed(String text) throws IOException {
        List<String> fields = new ArrayList<>();
        CSVFormat.DEFAULT.parse(new StringReader(text)).getRecords().get(0).forEach(fields::add);
        return fields.toArray(String[]::new);
    }

    /** The fields of a text that is one line without quotes; null for every other text. */
    private static String[] simple(String text) {
        int end = endOfLine(text);
        if (end <= 0 || text.indexOf('"') >= 0) {
            return null;
        }
        List<String> fields = new ArrayList<>();
        int start = 0;
        for (int comma = text.indexOf(','); comma >= 0 && comma < end; comma = text.indexOf(',', start)) {
            fields.add(text.substring(start, comma));
            start = comma + 1;
        }
        fields.add(text.substring(start, end));
        return fields.toArray(String[]::new);
    }

    /** The length of the only line, or -1 when there is more after it than line ends. */
    private static int endOfLine(String text) {
        int end = 0;
        while (end < text.length() && !isLineEnd(text.charAt(end))) {
            end++;
        }
        for (int rest = end; rest < text.length(); rest++) {
            if (!isLineEnd(text.charAt(rest))) {
                return -1;
            }
        }
        return end;
    }

    private static boolean isLineEnd(char character) {
        return character == '\n' || character == '\r';
    }
}
