package fmscore;

import java.nio.FloatBuffer;
import java.nio.LongBuffer;

/**
 * Rows of feature ids ({@link Fmscore#hash}) in compressed form: the features of row i are
 * {@code rowPtr[i]} to {@code rowPtr[i + 1]} of ids and x, counted from the positions of those. A
 * feature whose x is 0 is passed over.
 */
public final class IdRows extends Rows {
  private final Block<LongBuffer> rowPtr;
  private final boolean one;
  private final Features features;
  private Block<LongBuffer> extraPtr;
  private Features extra;

  /** ids and x, with x null where all are 1. */
  private static final class Features {
    final Block<LongBuffer> ids;
    final Block<FloatBuffer> x;

    Features(String idsName, LongBuffer ids, String xName, FloatBuffer x) {
      this.ids = Block.of(idsName, ids);
      this.x = Block.ofNullable(xName, x);
    }

    void check(Block<LongBuffer> pointers, int rows) {
      Block.checkPointers(pointers, rows, ids.name, ids.size());
      if (x != null && x.size() < ids.size()) {
        throw new IllegalArgumentException(
            x.name + ": has " + x.size() + " elements for " + ids.size() + " " + ids.name);
      }
    }
  }

  /**
   * As many rows as rowPtr has elements, less one.
   *
   * @param x one for each id; null: all are 1
   */
  public IdRows(LongBuffer rowPtr, LongBuffer ids, FloatBuffer x) {
    this(rowPtr, ids, x, false);
  }

  private IdRows(LongBuffer rowPtr, LongBuffer ids, FloatBuffer x, boolean one) {
    super(Layout.Rows.FORM_IDS);
    this.rowPtr = Block.of("rowPtr", rowPtr);
    this.one = one;
    features = new Features("ids", ids, "x", x);
  }

  /** One row, which has all the features: the user's. */
  public static IdRows one(LongBuffer ids, FloatBuffer x) {
    return new IdRows(Buffers.longs(2), ids, x, true);
  }

  /** {@link #one} of copies. */
  public static IdRows one(long[] ids, float[] x) {
    return one(Memory.copyOf(ids), x == null ? null : Memory.copyOf(x));
  }

  /**
   * More features of the rows, behind those: what depends on the user too (crosses), and so is
   * never kept in the item cache.
   *
   * @param x one for each id; null: all are 1
   */
  public IdRows extra(LongBuffer extraPtr, LongBuffer ids, FloatBuffer x) {
    Block<LongBuffer> pointers = Block.of("extraPtr", extraPtr);
    extra = new Features("extra ids", ids, "extra x", x);
    this.extraPtr = pointers;
    return this;
  }

  @Override
  public IdRows itemIds(LongBuffer ids) {
    super.itemIds(ids);
    return this;
  }

  @Override
  public int rows() {
    return one ? 1 : Block.rowsOf(rowPtr);
  }

  @Override
  void describe(int rows) {
    if (one) rowPtr.buffer.put(1, features.ids.size());
    features.check(rowPtr, rows);
    put(Layout.Rows.ROW_PTR, rowPtr.address());
    put(Layout.Rows.IDS, features.ids.address());
    put(Layout.Rows.X, Block.addressOf(features.x));
    if (extra == null) return;
    extra.check(extraPtr, rows);
    put(Layout.Rows.EXTRA_PTR, extraPtr.address());
    put(Layout.Rows.EXTRA_IDS, extra.ids.address());
    put(Layout.Rows.EXTRA_X, Block.addressOf(extra.x));
  }
}
