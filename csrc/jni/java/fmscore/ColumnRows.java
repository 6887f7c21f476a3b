package fmscore;

import java.nio.ByteBuffer;
import java.nio.LongBuffer;

/**
 * Rows of raw columns side by side, of which the model's schema makes features. Columns that the
 * schema does not have are passed over, and those that are not given are missing.
 */
public final class ColumnRows extends Rows {
  private final Column[] columns;
  private final ByteBuffer structs;

  /** One column at least. All have the same number of rows when they are scored. */
  public ColumnRows(Column... columns) {
    super(Layout.Rows.FORM_COLUMNS);
    if (columns.length == 0) throw new IllegalArgumentException("columns: there are none");
    this.columns = columns.clone();
    structs = Buffers.bytes(columns.length * Layout.Column.BYTES);
    for (int i = 0; i < columns.length; ++i) columns[i].begin(structs, i * Layout.Column.BYTES);
    put(Layout.Rows.COLUMNS, Native.addressOf(structs));
    put(Layout.Rows.COLUMN_COUNT, columns.length);
  }

  @Override
  public ColumnRows itemIds(LongBuffer ids) {
    super.itemIds(ids);
    return this;
  }

  @Override
  public int rows() {
    return columns[0].rows();
  }

  @Override
  void describe(int rows) {
    for (int i = 0; i < columns.length; ++i) {
      columns[i].describe(structs, i * Layout.Column.BYTES, rows, columns[0].name());
    }
  }
}
