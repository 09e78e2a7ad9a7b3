package sparkml;

import com.amazonaws.sagemaker.dto.ColumnSchema;
import com.amazonaws.sagemaker.dto.DataSchema;
import java.util.ArrayList;
import java.util.List;
import ml.combust.mleap.core.types.StructField;
import ml.combust.mleap.core.types.StructType;
import ml.combust.mleap.runtime.frame.DefaultLeapFrame;
import ml.combust.mleap.runtime.frame.Row;
import ml.combust.mleap.runtime.frame.Transformer;
import ml.combust.mleap.runtime.javadsl.LeapFrameBuilder;
import ml.combust.mleap.runtime.javadsl.LeapFrameBuilderSupport;

/** A schema made ready: turns the values of a record into a row, and a row into a frame. Safe to share between threads. */
final class Schema {
    private static final LeapFrameBuilder FRAMES = new LeapFrameBuilder();
    private static final LeapFrameBuilderSupport ROWS = new LeapFrameBuilderSupport();

    private static final int RECORDS_BY_FRAME = 4;

    final ColumnSchema output;
    private final Column[] columns;
    private volatile StructType type;
    private volatile CompiledPipeline compiled;
    private int asked;

    Schema(DataSchema schema) {
        output = schema.getOutput();
        List<ColumnSchema> input = schema.getInput();
        columns = new Column[input.size()];
        for (int index = 0; index < columns.length; index++) {
            columns[index] = new Column(input.get(index));
        }
    }

    /** A row of the values of a JSON list; those beyond the columns are left out. */
    Row row(List<Object> data) {
        List<Object> values = new ArrayList<>(columns.length);
        for (int index = 0; index < columns.length; index++) {
            columns[index].field();
            values.add(columns[index].value(data.get(index)));
        }
        return ROWS.createRowFromIterable(values);
    }

    /** A row of the fields of a CSV record; those beyond the columns are left out. */
    Row row(String[] fields) {
        List<Object> values = new ArrayList<>(columns.length);
        for (int index = 0; index < columns.length; index++) {
            values.add(columns[index].scalar(fields[index]));
        }
        // a second pass, so that a bad text is told before a column that CSV cannot carry
        for (int index = 0; index < columns.length; index++) {
            values.set(index, columns[index].valueOfField(values.get(index)));
        }
        return ROWS.createRowFromIterable(values);
    }

    /** A frame of one row. */
    DefaultLeapFrame frame(Row row) {
        return FRAMES.createFrame(type(), List.of(row));
    }

    /** The pipeline made ready for this schema; null at first, as that takes longer than a few records. */
    CompiledPipeline compiled(Transformer pipeline) {
        CompiledPipeline known = compiled;
        if (known == null && asked++ >= RECORDS_BY_FRAME) {
            known = CompiledPipeline.of(pipeline, type(), output.getName());
            compiled = known;
        }
        return known;
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
