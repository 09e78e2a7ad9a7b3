package sparkml;

import java.util.List;
import ml.combust.mleap.core.types.StructType;
import ml.combust.mleap.runtime.frame.ArrayRow;
import ml.combust.mleap.runtime.frame.Row;
import ml.combust.mleap.runtime.frame.RowTransformer;
import ml.combust.mleap.runtime.frame.Transformer;
import scala.Option;
import scala.collection.JavaConverters;
import scala.util.Try;

/**
 * A pipeline made ready for one schema and one output column: its stages run without a frame around the row.
 *
 * <p>MLeap's frames work out the schema of each stage anew for each record, which takes longer than the
 * stages themselves. Its row transformers do so once; the stages are the same, and so are the values. What
 * goes wrong is left to the frame, so that there is one place where refusals come from.
 */
final class CompiledPipeline {
    private static final CompiledPipeline NONE = new CompiledPipeline(null);

    private final RowTransformer stages;

    private CompiledPipeline(RowTransformer stages) {
        this.stages = stages;
    }

    /** The pipeline for rows of that type; one that answers no row where MLeap cannot prepare it. */
    static CompiledPipeline of(Transformer pipeline, StructType input, String column) {
        try {
            RowTransformer all = pipeline.transform(RowTransformer.apply(input)).get();
            Try<RowTransformer> selected = all.select(JavaConverters.asScalaBuffer(List.of(column)));
            return new CompiledPipeline(selected.get());
        } catch (Exception leftToTheFrame) {
            return NONE;
        }
    }

    /** A row of the output column alone, or null: the frame must be asked then, and says what is wrong. */
    ArrayRow transform(Row row) {
        if (stages == null) {
            return null;
        }
        try {
            Option<ArrayRow> result = stages.transformOption(row);
            return result.isEmpty() ? null : result.get();
        } catch (Exception leftToTheFrame) {
            return null;
        }
    }
}
