package fmscore;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;

/** Makes buffers as {@link Rows} and {@link Scores} need them: direct, native order, all zeros. */
public final class Buffers {
  private Buffers() {}

  public static ByteBuffer bytes(int size) {
    return ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder());
  }

  public static LongBuffer longs(int size) {
    return bytes(Math.multiplyExact(size, Long.BYTES)).asLongBuffer();
  }

  public static FloatBuffer floats(int size) {
    return bytes(Math.multiplyExact(size, Float.BYTES)).asFloatBuffer();
  }

  public static DoubleBuffer doubles(int size) {
    return bytes(Math.multiplyExact(size, Double.BYTES)).asDoubleBuffer();
  }
}
