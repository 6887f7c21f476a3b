package fmscore;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;

/**
 * A direct buffer that the library reads or writes in place. What counts of it stands between its
 * position and its limit at the time.
 */
final class Block<B extends Buffer> {
  final String name;
  final B buffer;
  private final long base;
  private final int elementBytes;

  /** IllegalArgumentException: not direct, of the other byte order, not aligned. */
  private Block(String name, B buffer, ByteOrder order, int elementBytes) {
    this.name = name;
    this.buffer = buffer;
    this.elementBytes = elementBytes;
    if (!buffer.isDirect()) {
      throw new IllegalArgumentException(
          name + ": the buffer is not direct; use fmscore.Buffers");
    }
    if (order != ByteOrder.nativeOrder()) {
      throw new IllegalArgumentException(
          name
              + ": the buffer's byte order is "
              + order
              + "; use fmscore.Buffers");
    }
    base = Native.addressOf(buffer);
    if (base % elementBytes != 0) {
      throw new IllegalArgumentException(
          name + ": the buffer does not begin at a multiple of " + elementBytes + " bytes");
    }
  }

  static Block<ByteBuffer> of(String name, ByteBuffer buffer) {
    return new Block<>(name, buffer, ByteOrder.nativeOrder(), Byte.BYTES);
  }

  static Block<LongBuffer> of(String name, LongBuffer buffer) {
    return new Block<>(name, buffer, buffer.order(), Long.BYTES);
  }

  static Block<FloatBuffer> of(String name, FloatBuffer buffer) {
    return new Block<>(name, buffer, buffer.order(), Float.BYTES);
  }

  static Block<DoubleBuffer> of(String name, DoubleBuffer buffer) {
    return new Block<>(name, buffer, buffer.order(), Double.BYTES);
  }

  /** The same, or null of a null buffer. */
  static Block<FloatBuffer> ofNullable(String name, FloatBuffer buffer) {
    return buffer == null ? null : of(name, buffer);
  }

  static Block<ByteBuffer> ofNullable(String name, ByteBuffer buffer) {
    return buffer == null ? null : of(name, buffer);
  }

  /** Elements. */
  int size() {
    return buffer.remaining();
  }

  /** Of the element at the position. */
  long address() {
    return base + (long) buffer.position() * elementBytes;
  }

  /** 0 of null. */
  static long addressOf(Block<?> block) {
    return block == null ? 0 : block.address();
  }

  Block<B> writable() {
    if (buffer.isReadOnly()) throw new IllegalArgumentException(name + ": the buffer is read-only");
    return this;
  }

  /** There must be one for each row, or more. Null is as many as needed. */
  static void needRows(Block<?> block, int rows) {
    if (block != null && block.size() < rows) {
      throw new IllegalArgumentException(
          block.name + ": has " + block.size() + " elements for " + rows + " rows");
    }
  }

  /** Rows that pointers are the ends of: one less than they are. */
  static int rowsOf(Block<LongBuffer> pointers) {
    if (pointers.size() == 0) {
      throw new IllegalArgumentException(
          pointers.name + ": is empty; it has one element more than there are rows");
    }
    return pointers.size() - 1;
  }

  /** Pointers of {@code rows} rows into a block of {@code size} elements: never falling, inside. */
  static void checkPointers(Block<LongBuffer> pointers, int rows, String into, long size) {
    if (pointers.size() != rows + 1) {
      throw new IllegalArgumentException(
          pointers.name + ": has " + pointers.size() + " elements for " + rows + " rows");
    }
    LongBuffer at = pointers.buffer;
    int first = at.position();
    long last = 0;
    for (int i = 0; i <= rows; ++i) {
      long next = at.get(first + i);
      if (next < last) {
        throw new IllegalArgumentException(
            pointers.name + "[" + i + "] is " + next + (i == 0 ? "" : ", behind " + last));
      }
      last = next;
    }
    if (last > size) {
      throw new IllegalArgumentException(
          pointers.name + "[" + rows + "] is " + last + ", but " + into + " has " + size);
    }
  }
}
