package fmscore;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.LongBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Rows of raw columns, a JSON object each, of which the model's schema makes features. A row that
 * cannot be read gets {@link Scores#BAD}.
 */
public final class JsonRows extends Rows {
  private final Block<ByteBuffer> text;
  private final Block<LongBuffer> textPtr;

  /**
   * Row i is the bytes {@code textPtr[i]} to {@code textPtr[i + 1]} of text, counted from its
   * position: as many rows as textPtr has elements, less one.
   *
   * @param text UTF-8
   */
  public JsonRows(ByteBuffer text, LongBuffer textPtr) {
    super(Layout.Rows.FORM_JSON);
    this.text = Block.of("text", text);
    this.textPtr = Block.of("textPtr", textPtr);
  }

  /** Copies of rows. */
  public static JsonRows of(String... rows) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    long[] ends = new long[rows.length + 1];
    for (int i = 0; i < rows.length; ++i) {
      all.writeBytes(rows[i].getBytes(StandardCharsets.UTF_8));
      ends[i + 1] = all.size();
    }
    return new JsonRows(Memory.copyOf(all.toByteArray()), Memory.copyOf(ends));
  }

  @Override
  public JsonRows itemIds(LongBuffer ids) {
    super.itemIds(ids);
    return this;
  }

  @Override
  public int rows() {
    return Block.rowsOf(textPtr);
  }

  @Override
  void describe(int rows) {
    Block.checkPointers(textPtr, rows, text.name, text.size());
    put(Layout.Rows.TEXT, text.address());
    put(Layout.Rows.TEXT_PTR, textPtr.address());
  }
}
