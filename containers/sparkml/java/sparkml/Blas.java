package sparkml;

import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Makes linear algebra add up as on JDK 8, the platform of AWS's container, to the last bit.
 *
 * <p>Spark's vectors choose their routines by the Java version: since JDK 11 they get ones with fused
 * multiply-add, which round differently. And vectors of 256 elements or more go to a native library where
 * the machine has one, which AWS's image has not.
 */
final class Blas {
    // kept here because the logging system forgets loggers that nobody holds
    private static final Logger CHOICE = Logger.getLogger("dev.ludovic.netlib");

    private Blas() {}

    /** After this call Spark uses the plain Java routines. To be called before any model is loaded. */
    static synchronized void asOnJdkEight() {
        CHOICE.setLevel(Level.OFF);
        initialize("dev.ludovic.netlib.InstanceBuilder$JavaBLAS", "java.version", "1.8");
        initialize("dev.ludovic.netlib.blas.JNIBLAS", "os.name", "none");
    }

    /** Runs the static initializer of a class under another value of a system property. */
    private static void initialize(String className, String property, String value) {
        String actual = System.setProperty(property, value);
        try {
            Class.forName(className);
        } catch (ClassNotFoundException | LinkageError refused) {
            // this is how the native routines are ruled out
        } finally {
            System.setProperty(property, actual);
        }
    }
}
