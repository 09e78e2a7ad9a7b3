package sparkml;

import com.amazonaws.sagemaker.dto.ColumnSchema;
import com.amazonaws.sagemaker.dto.DataSchema;
import java.util.ArrayList;
import java.util.List;
import ml.combust.mleap.core.types.StructField;
import ml.combust.mleap.core.types.StructType;
import ml.combust.mleap.runtime.frame.DefaultLeapFrame;
import ml.combust.mleap.runtime.javadsl.LeapFrameBuilder;
import ml.combust.mleap.runtime.javadsl.LeapFrameBuilderSupport;
import org.apache.commons.csv.CSVRecord;

/** A schema made ready: turns the values of a record into a frame of one row. Safe to share between threads. */
final class Schema {
    private static final LeapFrameBuilder FRAMES = new LeapFrameBuilder();
    private static final LeapFrameBuilderSupport ROWS = new LeapFrameBuilderSupport();

    final ColumnSchema output;
    private final Column[] columns;
    private volatile StructType type;

    Schema(DataSchema schema) {
        output = schema.getOutput();
        List<ColumnSchema> input = schema.getInput();
        columns = new Column[input.size()];
        for (int index = 0; index < columns.length; index++) {
            columns[index] = new Column(input.get(index));
        }
    }

    /** A frame of the values of a JSON list; those beyond the columns are left out. */
    DefaultLeapFrame frame(List<Object> data) {
        List<Object> values = new ArrayList<>(columns.length);
        for (int index = 0; index < columns.length; index++) {
            columns[index].field();
            values.add(columns[index].value(data.get(index)));
        }
        return frameOf(values);
    }

    /** A frame of the fields of a CSV record; those beyond the columns are left out. */
    DefaultLeapFrame frame(CSVRecord record) {
        List<Object> values = new ArrayList<>(columns.length);
        for (int index = 0; index < columns.length; index++) {
            values.add(columns[index].scalar(record.get(index)));
        }
        // a second pass, so that a bad text is told before a column that CSV cannot carry
        for (int index = 0; index < columns.length; index++) {
            values.set(index, columns[index].valueOfField(values.get(index)));
        }
        return frameOf(values);
    }

    private DefaultLeapFrame frameOf(List<Object> values) {
        return FRAMES.createFrame(type(), List.of(ROWS.createRowFromIterable(values)));
    }

    private StructType type() {
        StructType known = type;
        if (known == null) {
            List<StructField> fields = new ArrayList<>(columns.length);
            for (Column column : columns) {
                fields.add(column.field());
            }
            known = FRAMES.createSchema(fields);
            type = known;
        }
        return known;
    }
}
