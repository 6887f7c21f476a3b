import fmscore.Context;
import fmscore.FmscoreException;
import fmscore.Model;
import fmscore.Slot;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Path;
import java.util.Objects;

/** What the tests here need of a test framework. */
final class Check {
  private Check() {}

  interface Body {
    void run() throws Exception;
  }

  /** Runs every static method of a class that takes nothing and gives nothing; ends the process. */
  static void main(Class<?> tests) throws IllegalAccessException {
    int run = 0;
    int failed = 0;
    for (Method test : tests.getDeclaredMethods()) {
      if (!Modifier.isStatic(test.getModifiers()) || test.isSynthetic()) continue;
      if (test.getParameterCount() != 0 || test.getReturnType() != void.class) continue;
      try {
        test.invoke(null);
      } catch (InvocationTargetException e) {
        System.out.println(tests.getName() + "." + test.getName() + " failed");
        e.getCause().printStackTrace(System.out);
        ++failed;
      }
      ++run;
    }
    if (failed == 0) System.out.println(run + " tests of " + tests.getName() + " passed");
    System.exit(failed > 0 || run == 0 ? 1 : 0);
  }

  static void that(boolean holds, String what) {
    if (!holds) throw new AssertionError(what);
  }

  static void equal(Object expected, Object found) {
    if (!Objects.equals(expected, found)) {
      throw new AssertionError("expected " + expected + ", found " + found);
    }
  }

  /** Of floats bit by bit. */
  static void same(float[] expected, float[] found) {
    equal(expected.length, found.length);
    for (int i = 0; i < expected.length; ++i) {
      if (Float.floatToRawIntBits(expected[i]) != Float.floatToRawIntBits(found[i])) {
        throw new AssertionError(i + ": expected " + expected[i] + ", found " + found[i]);
      }
    }
  }

  static void near(double expected, double found, double by) {
    if (!(Math.abs(expected - found) <= by)) {
      throw new AssertionError("expected " + expected + ", found " + found);
    }
  }

  /** The body throws just this type with just this message. */
  static <T extends Throwable> T fails(Class<T> type, String message, Body body) {
    T thrown = fails(type, body);
    equal(message, thrown.getMessage());
    return thrown;
  }

  static <T extends Throwable> T fails(Class<T> type, Body body) {
    try {
      body.run();
    } catch (Throwable thrown) {
      if (thrown.getClass() != type) throw new AssertionError("another exception", thrown);
      return type.cast(thrown);
    }
    throw new AssertionError("no " + type.getSimpleName());
  }

  static void failsWith(int code, String message, Body body) {
    equal(code, fails(FmscoreException.class, message, body).code());
  }

  static void failsClosed(String what, Body body) {
    fails(IllegalStateException.class, "the " + what + " is closed", body);
  }

  static void failsArgument(String message, Body body) {
    fails(IllegalArgumentException.class, message, body);
  }

  /** A file that the Python side made: see test_java.py. */
  static Path data(String name) {
    return Path.of(System.getProperty("data"), name);
  }

  /** A slot with a model in it. */
  static Slot slotOf(String file, long itemCacheBytes) {
    Slot slot = new Slot(itemCacheBytes);
    publish(slot, file);
    return slot;
  }

  static void publish(Slot slot, String file) {
    try (Model model = Model.open(data(file))) {
      slot.publish(model);
    }
  }

  static Context contextOf(String file) {
    return new Context(slotOf(file, 0));
  }
}
