import fmscore.Fmscore;
import fmscore.IdRows;
import fmscore.Request;
import fmscore.Context;
import fmscore.Scores;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
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
    LongBuffer userIds = longs(10);
    FloatBuffer userX = floats(10);
    fill(draw, userIds, userX);
    user = IdRows.one(userIds, userX);
    rowPtr = longs(items + 1);
    itemIds = longs(items);
    for (int i = 0; i <= items; ++i) rowPtr.put(i, (long) i * features);
    for (int i = 0; i < items; ++i) itemIds.put(i, seed * 1000 + i);
    ids = longs(items * features);
    x = floats(items * features);
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

  static ByteBuffer bytes(int size) {
    return ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder());
  }

  static ByteBuffer utf8(String text) {
    byte[] all = text.getBytes(StandardCharsets.UTF_8);
    return bytes(all.length).put(all).flip();
  }

  static LongBuffer longs(int size) {
    return bytes(8 * size).asLongBuffer();
  }

  static LongBuffer longsOf(long... values) {
    return longs(values.length).put(values).flip();
  }

  static FloatBuffer floats(int size) {
    return bytes(4 * size).asFloatBuffer();
  }

  static FloatBuffer floatsOf(float... values) {
    return floats(values.length).put(values).flip();
  }

  static DoubleBuffer doublesOf(double... values) {
    return bytes(8 * values.length).asDoubleBuffer().put(values).flip();
  }
}
