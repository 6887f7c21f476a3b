package fmscore;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;

/** A raw column of {@link ColumnRows}: a name of the schema's, and its values in direct buffers. */
public final class Column {
  private static final int DOUBLE = 0;
  private static final int FLOAT = 1;
  private static final int INT64 = 2;
  private static final int TEXT = 3;
  private static final int LIST = 4;

  private final String name;
  private final ByteBuffer nameBytes;
  private final int type;
  private final Block<?> values;
  private Block<LongBuffer> offsets;
  private Block<LongBuffer> itemOffsets;
  private Block<FloatBuffer> weights;
  private Block<ByteBuffer> missing;

  private Column(String name, int type, Block<?> values) {
    this.name = name;
    this.type = type;
    this.values = values;
    nameBytes = Memory.text("a column's name", name);
  }

  private static String label(String name, String of) {
    return "column " + name + (of.isEmpty() ? "" : "." + of);
  }

  /** Numbers; NaN is missing. */
  public static Column of(String name, DoubleBuffer values) {
    return new Column(name, DOUBLE, Block.of(label(name, ""), values));
  }

  /** Numbers; NaN is missing. */
  public static Column of(String name, FloatBuffer values) {
    return new Column(name, FLOAT, Block.of(label(name, ""), values));
  }

  /** Whole numbers. */
  public static Column of(String name, LongBuffer values) {
    return new Column(name, INT64, Block.of(label(name, ""), values));
  }

  /** Texts: that of row i is the bytes {@code offsets[i]} to {@code offsets[i + 1]}. */
  public static Column texts(String name, ByteBuffer utf8, LongBuffer offsets) {
    Column column = new Column(name, TEXT, Block.of(label(name, "text"), utf8));
    column.offsets = Block.of(label(name, "offsets"), offsets);
    return column;
  }

  /**
   * Lists of texts: item j is the bytes {@code itemOffsets[j]} to {@code itemOffsets[j + 1]}, and
   * the items of row i are {@code offsets[i]} to {@code offsets[i + 1]}.
   *
   * @param weights one for each item; null: the list has none
   */
  public static Column lists(
      String name,
      ByteBuffer utf8,
      LongBuffer itemOffsets,
      LongBuffer offsets,
      FloatBuffer weights) {
    Column column = new Column(name, LIST, Block.of(label(name, "text"), utf8));
    column.itemOffsets = Block.of(label(name, "itemOffsets"), itemOffsets);
    column.offsets = Block.of(label(name, "offsets"), offsets);
    column.weights = Block.ofNullable(label(name, "weights"), weights);
    return column;
  }

  /** One byte a row: not 0 where the row has no value. */
  public Column missing(ByteBuffer flags) {
    missing = Block.of(label(name, "missing"), flags);
    return this;
  }

  String name() {
    return name;
  }

  int rows() {
    return offsets == null ? values.size() : Block.rowsOf(offsets);
  }

  /** Writes what stays as it is into the fms_column at a place. */
  void begin(ByteBuffer structs, int at) {
    structs.putInt(at, Layout.Column.BYTES);
    structs.putInt(at + Layout.Column.TYPE, type);
    structs.putLong(at + Layout.Column.NAME, Native.addressOf(nameBytes));
  }

  /** Checks all buffers and writes where they are. */
  void describe(ByteBuffer structs, int at, int rows, String first) {
    if (rows() != rows) {
      throw new IllegalArgumentException(
          String.format("column %s: has %d rows, column %s has %d", name, rows(), first, rows));
    }
    if (type == TEXT) Block.checkPointers(offsets, rows, values.name, values.size());
    if (type == LIST) checkList(rows);
    Block.needRows(missing, rows);
    put(structs, at + Layout.Column.VALUES, values);
    put(structs, at + Layout.Column.OFFSETS, offsets);
    put(structs, at + Layout.Column.ITEM_OFFSETS, itemOffsets);
    put(structs, at + Layout.Column.WEIGHTS, weights);
    put(structs, at + Layout.Column.MISSING, missing);
  }

  private void checkList(int rows) {
    int items = Block.rowsOf(itemOffsets);
    Block.checkPointers(itemOffsets, items, values.name, values.size());
    Block.checkPointers(offsets, rows, label(name, "items"), items);
    if (weights != null && weights.size() < items) {
      throw new IllegalArgumentException(
          weights.name + ": has " + weights.size() + " elements for " + items + " items");
    }
  }

  private static <B extends Buffer> void put(ByteBuffer structs, int at, Block<B> block) {
    structs.putLong(at, Block.addressOf(block));
  }
}
