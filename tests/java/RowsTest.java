import fmscore.Buffers;
import fmscore.Column;
import fmscore.ColumnRows;
import fmscore.Context;
import fmscore.Fmscore;
import fmscore.IdRows;
import fmscore.JsonRows;
import fmscore.Request;
import fmscore.Rows;
import fmscore.Scores;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.Random;

/** Buffers: which fit, which do not and what is said then, and that all ways to give rows agree. */
final class RowsTest {
  private static final ByteOrder OTHER =
      ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN
          ? ByteOrder.LITTLE_ENDIAN
          : ByteOrder.BIG_ENDIAN;

  public static void main(String[] args) throws Exception {
    Check.main(RowsTest.class);
  }

  static void buffersAreDirectNativeAndAligned() {
    LongBuffer good = Batch.longsOf(0, 1);
    Check.failsArgument(
        "ids: the buffer is not direct; use fmscore.Buffers",
        () -> new IdRows(good, LongBuffer.allocate(1), null));
    Check.failsArgument(
        "rowPtr: the buffer's byte order is "
            + OTHER
            + "; use fmscore.Buffers",
        () -> new IdRows(ByteBuffer.allocateDirect(16).order(OTHER).asLongBuffer(), good, null));
    ByteBuffer shifted = Buffers.bytes(17).position(1).slice().order(ByteOrder.nativeOrder());
    Check.failsArgument(
        "ids: the buffer does not begin at a multiple of 8 bytes",
        () -> new IdRows(good, shifted.asLongBuffer(), null));
    Check.failsArgument(
        "x: the buffer does not begin at a multiple of 4 bytes",
        () -> new IdRows(good, good, shifted.asFloatBuffer()));
    Check.failsArgument(
        "itemIds: the buffer is not direct; use fmscore.Buffers",
        () -> new IdRows(good, good, null).itemIds(LongBuffer.allocate(1)));
    FloatBuffer floats = Buffers.floats(4);
    Check.failsArgument(
        "scores: the buffer is read-only", () -> new Scores(floats.asReadOnlyBuffer(), null));
    Check.failsArgument(
        "statuses: the buffer is read-only",
        () -> new Scores(floats, Buffers.bytes(4).asReadOnlyBuffer()));
    Check.fails(
        IllegalStateException.class,
        "these scores have no statuses",
        () -> new Scores(floats, null).status(0));
    Check.fails(NullPointerException.class, () -> new IdRows(null, good, null));
    Check.fails(NullPointerException.class, () -> new Scores(null, null));
  }

  private static void failsToScore(String message, Rows items, Scores scores) {
    try (Context context = Check.contextOf("a.fms");
        Request request = context.begin(null)) {
      Check.failsArgument(message, () -> request.score(items, Fmscore.NO_DEADLINE, scores));
      // And nothing stays behind.
      Scores one = new Scores(1);
      Check.equal(1, request.score(IdRows.one(Batch.longsOf(1), null), 0, one));
    }
  }

  private static void failsToScore(String message, Rows items) {
    failsToScore(message, items, new Scores(100));
  }

  static void pointersStayInside() {
    LongBuffer ids = Buffers.longs(5);
    FloatBuffer x = Buffers.floats(4);
    failsToScore(
        "rowPtr[2] is 6, but ids has 5", new IdRows(Batch.longsOf(0, 2, 6), ids, null));
    failsToScore("rowPtr[2] is 1, behind 2", new IdRows(Batch.longsOf(0, 2, 1), ids, null));
    failsToScore("rowPtr[0] is -1", new IdRows(Batch.longsOf(-1, 2), ids, null));
    failsToScore(
        "rowPtr[1] is " + Long.MIN_VALUE + ", behind 0",
        new IdRows(Batch.longsOf(0, Long.MIN_VALUE), ids, null));
    failsToScore(
        "rowPtr: is empty; it has one element more than there are rows",
        new IdRows(Buffers.longs(0), ids, null));
    failsToScore(
        "x: has 4 elements for 5 ids", new IdRows(Batch.longsOf(0, 5), ids, x));
    // What is behind the limit is not there.
    failsToScore(
        "rowPtr[1] is 4, but ids has 3",
        new IdRows(Batch.longsOf(0, 4), ids.duplicate().limit(3), null));
    failsToScore(
        "rowPtr[1] is 4, but ids has 3",
        new IdRows(Batch.longsOf(0, 4), ids.duplicate().position(2), null));
    failsToScore(
        "scores: has 2 elements for 3 rows",
        new IdRows(Batch.longsOf(0, 1, 2, 3), ids, null),
        new Scores(2));
    failsToScore(
        "statuses: has 2 elements for 3 rows",
        new IdRows(Batch.longsOf(0, 1, 2, 3), ids, null),
        new Scores(Buffers.floats(3), Buffers.bytes(2)));
    failsToScore(
        "itemIds: has 1 elements for 2 rows",
        new IdRows(Batch.longsOf(0, 1, 2), ids, null).itemIds(Buffers.longs(1)));
    IdRows two = new IdRows(Batch.longsOf(0, 1, 2), ids, null);
    failsToScore(
        "extraPtr: has 2 elements for 2 rows", two.extra(Batch.longsOf(0, 1), ids, null));
    failsToScore(
        "extraPtr[2] is 9, but extra ids has 5", two.extra(Batch.longsOf(0, 1, 9), ids, null));
    failsToScore(
        "extra x: has 4 elements for 5 extra ids", two.extra(Batch.longsOf(0, 1, 2), ids, x));
  }

  static void jsonAndColumnsStayInside() {
    ByteBuffer text = Batch.utf8("{}{}");
    failsToScore(
        "textPtr[2] is 5, but text has 4", new JsonRows(text, Batch.longsOf(0, 2, 5)));
    failsToScore("textPtr[1] is 1, behind 2", new JsonRows(text, Batch.longsOf(2, 1)));
    Check.failsArgument("columns: there are none", ColumnRows::new);
    Check.failsArgument(
        "a column's name: has a NUL character", () -> Column.of("a\0b", Buffers.longs(1)));
    Column three = Column.of("age", Buffers.longs(3));
    failsToScore(
        "column price: has 2 rows, column age has 3",
        new ColumnRows(three, Column.of("price", Buffers.floats(2))));
    failsToScore(
        "column age.missing: has 2 elements for 3 rows",
        new ColumnRows(Column.of("age", Buffers.longs(3)).missing(Buffers.bytes(2))));
    failsToScore(
        "column city.offsets[1] is 5, but column city.text has 4",
        new ColumnRows(Column.texts("city", text, Batch.longsOf(0, 5))));
    failsToScore(
        "column tags.itemOffsets[1] is 5, but column tags.text has 4",
        new ColumnRows(
            Column.lists("tags", text, Batch.longsOf(0, 5), Batch.longsOf(0, 1), null)));
    failsToScore(
        "column tags.offsets[1] is 2, but column tags.items has 1",
        new ColumnRows(
            Column.lists("tags", text, Batch.longsOf(0, 4), Batch.longsOf(0, 2), null)));
    failsToScore(
        "column tags.weights: has 1 elements for 2 items",
        new ColumnRows(
            Column.lists(
                "tags", text, Batch.longsOf(0, 2, 4), Batch.longsOf(0, 2), Buffers.floats(1))));
  }

  static void positionAndLimitAreTheBatch() {
    Batch batch = new Batch(1, 20, 6);
    try (Context context = Check.contextOf("a.fms")) {
      float[] all = batch.scores(context);
      Scores scores = new Scores(20);
      IdRows rows = batch.rows().itemIds(batch.itemIds);
      try (Request request = context.begin(batch.user)) {
        for (int from = 0; from < 20; from += 8) {
          int to = Math.min(20, from + 8);
          batch.rowPtr.limit(to + 1).position(from);
          batch.itemIds.limit(to).position(from);
          scores.values().limit(to).position(from);
          scores.statuses().limit(to).position(from);
          Check.equal(to - from, rows.rows());
          Check.equal(to - from, request.score(rows, 0, scores));
          Check.equal(all[from], scores.value(0));
          Check.equal(from, batch.rowPtr.position());
        }
      }
      scores.values().clear();
      Check.same(all, Batch.array(scores));
      // ids count from their position.
      batch.rowPtr.clear();
      batch.ids.position(6);
      batch.x.position(6);
      batch.rowPtr.limit(20);
      scores.values().limit(19);
      scores.statuses().clear();
      try (Request request = context.begin(batch.user)) {
        Check.equal(19, request.score(batch.rows(), 0, scores));
      }
      Check.same(java.util.Arrays.copyOfRange(all, 1, 20), Batch.array(scores));
    }
  }

  static void extraFeaturesAndUsersAreFeaturesLikeOthers() {
    LongBuffer ids = Batch.longsOf(1, 2, 3, 4);
    for (int i = 0; i < 4; ++i) ids.put(i, Fmscore.hash("f" + i, 0));
    FloatBuffer x = Batch.floatsOf(1, .5f, -1, 2);
    try (Context context = Check.contextOf("a.fms")) {
      float whole = score(context, null, IdRows.one(ids, x));
      IdRows user = IdRows.one(ids.duplicate().limit(1), x.duplicate().limit(1));
      IdRows item =
          IdRows.one(ids.duplicate().limit(2).position(1), x.duplicate().limit(2).position(1))
              .extra(
                  Batch.longsOf(0, 2), ids.duplicate().position(2), x.duplicate().position(2));
      Check.equal(whole, score(context, user, item));
      Check.equal(whole, score(context, IdRows.one(new long[0], null), IdRows.one(ids, x)));
      float ones = score(context, null, IdRows.one(ids, null));
      Check.equal(ones, score(context, null, IdRows.one(ids, Batch.floatsOf(1, 1, 1, 1))));
      Check.equal(ones, context.scoreText("1 f0 f1 f2 f3"));
      long[] copied = new long[4];
      ids.duplicate().get(copied);
      Check.equal(ones, score(context, null, IdRows.one(copied, null)));
    }
  }

  /** Whatever is in the buffers: scored where it holds together, refused where it does not. */
  static void randomBuffersAreScoredOrRefused() {
    Random draw = new Random(1);
    int scored = 0;
    int refused = 0;
    try (Context context = Check.contextOf("a.fms");
        Request request = context.begin(null)) {
      for (int round = 0; round < 50_000; ++round) {
        long[] pointers = new long[1 + draw.nextInt(4)];
        long at = 0;
        for (int i = 0; i < pointers.length; ++i) {
          at += draw.nextInt(16) == 0 ? draw.nextInt(9) - 5 : draw.nextInt(3);
          pointers[i] = draw.nextInt(64) == 0 ? draw.nextLong() : at;
        }
        LongBuffer ids = Buffers.longs(6).position(draw.nextInt(2)).limit(5 + draw.nextInt(2));
        FloatBuffer x = draw.nextBoolean() ? null : Buffers.floats(4 + draw.nextInt(4));
        Scores scores = new Scores(1 + draw.nextInt(4));
        int rows = pointers.length - 1;
        boolean fits = scores.values().remaining() >= rows && pointers[0] >= 0;
        for (int i = 0; i < rows; ++i) fits &= pointers[i] <= pointers[i + 1];
        fits &= pointers[rows] <= ids.remaining();
        fits &= x == null || x.remaining() >= ids.remaining();
        try {
          Check.equal(
              rows, request.score(new IdRows(Batch.longsOf(pointers), ids, x), 0, scores));
          Check.that(fits, "scored what does not fit");
          ++scored;
        } catch (IllegalArgumentException e) {
          Check.that(!fits, e.getMessage());
          ++refused;
        }
      }
    }
    Check.that(scored > 5000 && refused > 5000, scored + " scored, " + refused + " refused");
  }

  static void jsonAndColumnsAgree() {
    String[] json = {
      "{\"age\": 24, \"price\": 9.5, \"city\": \"Oslo\", \"tags\": [\"film\", \"news\"],"
          + " \"likes\": {\"film\": 0.9}}",
      "{\"age\": 31, \"city\": \"Pune\", \"tags\": [], \"likes\": {\"sport\": 0.25, \"news\": 1}}"
    };
    ByteBuffer cities = Batch.utf8("OsloPune");
    ByteBuffer tags = Batch.utf8("filmnews");
    ByteBuffer likes = Batch.utf8("filmsportnews");
    Rows columns =
        new ColumnRows(
            Column.of("age", Batch.longsOf(24, 31)),
            Column.of("price", Batch.doublesOf(9.5, Double.NaN)),
            Column.texts("city", cities, Batch.longsOf(0, 4, 8)),
            Column.lists("tags", tags, Batch.longsOf(0, 4, 8), Batch.longsOf(0, 2, 2), null),
            Column.lists(
                "likes",
                likes,
                Batch.longsOf(0, 4, 9, 13),
                Batch.longsOf(0, 1, 3),
                Batch.floatsOf(.9f, .25f, 1)),
            Column.of("unheard_of", Buffers.floats(2)));
    ByteBuffer secondMissing = Buffers.bytes(2).put(1, (byte) 1);
    Rows missing =
        new ColumnRows(
            Column.of("age", Batch.floatsOf(24, 31)),
            Column.of("price", Batch.doublesOf(9.5, 7)).missing(secondMissing),
            Column.texts("city", cities, Batch.longsOf(0, 4, 8)),
            Column.lists("tags", tags, Batch.longsOf(0, 4, 8), Batch.longsOf(0, 2, 2), null),
            Column.lists(
                "likes",
                likes,
                Batch.longsOf(0, 4, 9, 13),
                Batch.longsOf(0, 1, 3),
                Batch.floatsOf(.9f, .25f, 1)));
    try (Context context = Check.contextOf("raw.fms");
        Request request = context.begin(null)) {
      Scores scores = new Scores(2);
      Check.equal(2, request.score(JsonRows.of(json), 0, scores));
      float[] expected = Batch.array(scores);
      Check.that(expected[0] != expected[1], "rows score alike");
      Check.equal(2, request.score(columns, 0, scores));
      Check.same(expected, Batch.array(scores));
      Check.equal(2, request.score(missing, 0, scores));
      Check.same(expected, Batch.array(scores));
      Check.equal(Scores.OK, scores.status(1));
    }
  }

  private static float score(Context context, Rows user, Rows item) {
    Scores scores = new Scores(1);
    try (Request request = context.begin(user)) {
      Check.equal(1, request.score(item, Fmscore.NO_DEADLINE, scores));
    }
    return scores.value(0);
  }
}
