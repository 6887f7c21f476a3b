package fmscore;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.charset.StandardCharsets;
import java.util.function.LongUnaryOperator;

/** What is handed to the library beside the host's own buffers. */
final class Memory {
  private Memory() {}

  static LongBuffer copyOf(long... values) {
    return Buffers.longs(values.length).put(values).flip();
  }

  static FloatBuffer copyOf(float... values) {
    return Buffers.floats(values.length).put(values).flip();
  }

  static ByteBuffer copyOf(byte... values) {
    return Buffers.bytes(values.length).put(values).flip();
  }

  /** A struct of the ABI: its size, then zeros. */
  static ByteBuffer struct(int size) {
    return Buffers.bytes(size).putInt(0, size);
  }

  /** NUL-terminated UTF-8. IllegalArgumentException: the text has a NUL of its own. */
  static ByteBuffer text(String what, String text) {
    if (text.indexOf('\0') >= 0) {
      throw new IllegalArgumentException(what + ": has a NUL character");
    }
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    ByteBuffer all = Buffers.bytes(utf8.length + 1);
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
