package fmscore;

import java.nio.ByteBuffer;
import java.nio.LongBuffer;

/**
 * Rows of features: the user's one row, or a batch of items. {@link IdRows}, {@link JsonRows} and
 * {@link ColumnRows} are the ways to give them; those of one request are of one kind.
 *
 * <p>Rows hold buffers, not features: make them once, and between two batches refill the buffers
 * and set their positions and limits. Of one thread at a time, like the buffers.
 */
public abstract class Rows {
  /** The fms_rows that the library reads. */
  private final ByteBuffer struct = Memory.struct(Layout.Rows.BYTES);

  private final long address = Native.addressOf(struct);
  private Block<LongBuffer> itemIds;

  Rows(int form) {
    struct.putInt(Layout.Rows.FORM, form);
  }

  /**
   * What the host calls its items, one a row: the key of the item cache, where the slot has one,
   * and of snapshots.
   */
  public Rows itemIds(LongBuffer ids) {
    itemIds = Block.of("itemIds", ids);
    return this;
  }

  /** How many rows there are by now. */
  public abstract int rows();

  /**
   * Looks at all buffers and writes where they are.
   *
   * @throws IllegalArgumentException where one does not fit the others
   */
  final long prepare(int rows) {
    Block.needRows(itemIds, rows);
    struct.putLong(Layout.Rows.ROWS, rows);
    put(Layout.Rows.ITEM_IDS, Block.addressOf(itemIds));
    describe(rows);
    return address;
  }

  /** The part of prepare() that is the form's own. */
  abstract void describe(int rows);

  final void put(int member, long value) {
    struct.putLong(member, value);
  }
}
