package sparkml;

import java.io.File;
import java.util.List;
import ml.combust.mleap.runtime.frame.ArrayRow;
import ml.combust.mleap.runtime.frame.DefaultLeapFrame;
import ml.combust.mleap.runtime.frame.Row;
import ml.combust.mleap.runtime.frame.Transformer;
import ml.combust.mleap.runtime.javadsl.BundleBuilder;
import ml.combust.mleap.runtime.javadsl.ContextBuilder;
import ml.combust.mleap.runtime.javadsl.LeapFrameSupport;

/** The pipeline of a model directory. One instance serves all threads, as in AWS's container. */
final class Model {
    private static final LeapFrameSupport FRAMES = new LeapFrameSupport();

    final Transformer pipeline;

    /** Loads the MLeap bundle; throws what MLeap throws when it cannot be read. */
    Model(String directory) {
        Blas.asOnJdkEight();
        pipeline = (Transformer) new BundleBuilder().load(new File(directory), new ContextBuilder().createMleapContext()).root();
    }

    /** The named column of the first row after all stages. Fails when a stage dropped the row. */
    ArrayRow transform(DefaultLeapFrame frame, String column) {
        DefaultLeapFrame scored = pipeline.transform(frame).get();
        List<Row> rows = FRAMES.collect(FRAMES.select(scored, List.of(column)));
        return (ArrayRow) rows.iterator().next();
    }
}
