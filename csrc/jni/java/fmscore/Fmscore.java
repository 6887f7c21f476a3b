package fmscore;

import java.nio.charset.StandardCharsets;
import java.util.Objects;

/** The library itself: its version, its clock, its hash. */
public final class Fmscore {
  /** A deadline that never comes. */
  public static final long NO_DEADLINE = 0;

  private Fmscore() {}

  /** The version of the C ABI: {@code major << 16 | minor}. */
  public static int abiVersion() {
    return Native.abiVersion();
  }

  /** "fmscore 0.1.0 avx512": name, version, the instructions it runs on. */
  public static String buildInfo() {
    return Memory.string(Native.buildInfo());
  }

  /** The clock of deadlines: CLOCK_MONOTONIC in nanoseconds. */
  public static long nowNanos() {
    return Native.nowNanos();
  }

  /**
   * The library's last message in this thread, "" before the first: of a batch that has rows with
   * {@link Scores#BAD}, why the first of them is.
   */
  public static String lastError() {
    return Memory.string(Native.lastError());
  }

  /**
   * The id of a feature's name, as the trainer has it: the first 64 bits of MurmurHash3 x64_128 of
   * its UTF-8. An unsigned number in a long.
   *
   * @param seed the model's, {@link ModelInfo#hashSeed}
   */
  public static long hash(String name, int seed) {
    byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
    return Native.hash(utf8, 0, utf8.length, seed);
  }

  /** The same of bytes. */
  public static long hash(byte[] name, int seed) {
    return Native.hash(name, 0, name.length, seed);
  }

  /** The same of some of the bytes. */
  public static long hash(byte[] name, int from, int size, int seed) {
    Objects.checkFromIndexSize(from, size, name.length);
    return Native.hash(name, from, size, seed);
  }
}
