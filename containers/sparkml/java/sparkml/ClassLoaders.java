package sparkml;

/**
 * The context class loader of threads that came from outside the JVM.
 *
 * <p>Such a thread has none, and Scala's reflection then knows only the JDK's own classes: whatever filters
 * rows, as a StringIndexer that skips does, fails on it.
 */
final class ClassLoaders {
    private ClassLoaders() {}

    /** Afterwards the running thread's context class loader finds the classes of the class path. */
    static void makeKnown() {
        Thread running = Thread.currentThread();
        if (running.getContextClassLoader() == null) {
            running.setContextClassLoader(ClassLoaders.class.getClassLoader());
        }
    }
}
