import fmscore.Buffers;
import fmscore.Context;
import fmscore.Fmscore;
import fmscore.IdRows;
import fmscore.Request;
import fmscore.Scores;
import java.nio.ByteBuffer;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Random;

/** A user and items of random features, some of which no model knows. */
final class Batch {
  final IdRows user;
  final LongBuffer rowPtr;
  final LongBuffer ids;
  final FloatBuffer x;
  final LongBuffer itemIds;
  final int items;

  Batch(long seed, int items, int features) {
    Random draw = new Random(seed);
    this.items = items;
    LongBuffer userIds = Buffers.longs(10);
    FloatBuffer userX = Buffers.floats(10);
    fill(draw, userIds, userX);
    user = IdRows.one(userIds, userX);
    rowPtr = Buffers.longs(items + 1);
    itemIds = Buffers.longs(items);
    for (int i = 0; i <= items; ++i) rowPtr.put(i, (long) i * features);
    for (int i = 0; i < items; ++i) itemIds.put(i, seed * 1000 + i);
    ids = Buffers.longs(items * features);
    x = Buffers.floats(items * features);
    fill(draw, ids, x);
  }

  private static void fill(Random draw, LongBuffer ids, FloatBuffer x) {
    for (int i = 0; i < ids.capacity(); ++i) {
      ids.put(i, Fmscore.hash("f" + draw.nextInt(1200), 0));
      x.put(i, draw.nextFloat() * 2 - 1);
    }
  }

  IdRows rows() {
    return new IdRows(rowPtr, ids, x);
  }

  /** Of all items by a request of its own. */
  float[] scores(Context context) {
    try (Request request = context.begin(user)) {
      return scores(request);
    }
  }

  float[] scores(Request request) {
    Scores scores = new Scores(items);
    Check.equal(items, request.score(rows(), Fmscore.NO_DEADLINE, scores));
    for (int i = 0; i < items; ++i) Check.equal(Scores.OK, scores.status(i));
    return array(scores);
  }

  static float[] array(Scores scores) {
    float[] all = new float[scores.values().remaining()];
    scores.values().duplicate().get(all);
    return all;
  }

  static ByteBuffer utf8(String text) {
    byte[] all = text.getBytes(StandardCharsets.UTF_8);
    return Buffers.bytes(all.length).put(all).flip();
  }

  static LongBuffer longsOf(long... values) {
    return Buffers.longs(values.length).put(values).flip();
  }

  static FloatBuffer floatsOf(float... values) {
    return Buffers.floats(values.length).put(values).flip();
  }

  static DoubleBuffer doublesOf(double... values) {
    return Buffers.doubles(values.length).put(values).flip();
  }
}
