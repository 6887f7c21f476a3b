package fmscore;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.charset.StandardCharsets;
import java.util.function.LongUnaryOperator;

/** Direct memory of the machine's byte order, all zeros. */
final class Memory {
  private Memory() {}

  static ByteBuffer bytes(int size) {
    return ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder());
  }

  static LongBuffer longs(int size) {
    return bytes(Math.multiplyExact(size, Long.BYTES)).asLongBuffer();
  }

  static FloatBuffer floats(int size) {
    return bytes(Math.multiplyExact(size, Float.BYTES)).asFloatBuffer();
  }

  static DoubleBuffer doubles(int size) {
    return bytes(Math.multiplyExact(size, Double.BYTES)).asDoubleBuffer();
  }

  static LongBuffer copyOf(long... values) {
    return longs(values.length).put(values).flip();
  }

  static FloatBuffer copyOf(float... values) {
    return floats(values.length).put(values).flip();
  }

  static ByteBuffer copyOf(byte... values) {
    return bytes(values.length).put(values).flip();
  }

  /** A struct of the ABI: its size, then zeros. */
  static ByteBuffer struct(int size) {
    return bytes(size).putInt(0, size);
  }

  /** NUL-terminated UTF-8. IllegalArgumentException: the text has a NUL of its own. */
  static ByteBuffer text(String what, String text) {
    if (text.indexOf('\0') >= 0) {
      throw new IllegalArgumentException(what + ": has a NUL character");
    }
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    ByteBuffer all = bytes(utf8.length + 1);
    all.duplicate().put(utf8);
    return all;
  }

  /** What is made of a struct or a text, which is kept meanwhile. */
  static long with(ByteBuffer memory, LongUnaryOperator make) {
    try {
      return make.applyAsLong(Native.addressOf(memory));
    } finally {
      Reference.reachabilityFence(memory);
    }
  }

  /** What text() made, or the library's own. */
  static String string(long address) {
    return new String(Native.text(address), StandardCharsets.UTF_8);
  }
}
