import com.sun.management.ThreadMXBean;
import fmscore.Buffers;
import fmscore.Context;
import fmscore.Explanation;
import fmscore.Fmscore;
import fmscore.FmscoreException;
import fmscore.IdRows;
import fmscore.Interloper;
import fmscore.JsonRows;
import fmscore.Request;
import fmscore.Scores;
import fmscore.Slot;
import fmscore.SlotStats;
import java.lang.management.ManagementFactory;

/** Requests: when they may be, what they answer, what they leave alone. */
final class RequestTest {
  public static void main(String[] args) throws Exception {
    Check.main(RequestTest.class);
  }

  static void aRequestNeedsAModelAndASlot() {
    Slot slot = new Slot();
    Context context = new Context(slot);
    Check.failsWith(
        FmscoreException.ENOMODEL,
        "no model was published in the slot yet",
        () -> context.begin(null));
    Check.publish(slot, "a.fms");
    Request request = context.begin(null);
    slot.close();
    Check.equal("a", request.info().name); // goes on
    request.close();
    FmscoreException gone = Check.fails(FmscoreException.class, () -> context.begin(null));
    Check.equal(FmscoreException.ESTATE, gone.code());
    Check.that(gone.getMessage().contains("slot"), gone.getMessage());
    Check.failsClosed("slot", () -> new Context(slot));
    context.close();
  }

  static void whatIsClosedSaysSo() {
    Context context = Check.contextOf("a.fms");
    Batch batch = new Batch(1, 3, 4);
    Request first = context.begin(null);
    Check.fails(
        IllegalStateException.class,
        "the context has a request already: close it first",
        () -> context.begin(null));
    Check.that(batch.scores(first).length == 3, "the request goes on");
    first.close();
    first.close();
    Check.failsClosed("request", () -> batch.scores(first));
    Request second = context.begin(batch.user);
    first.close(); // is not the second's end
    Check.failsClosed("request", () -> batch.scores(first));
    Check.failsClosed("request", first::info);
    Check.failsClosed("request", () -> first.explain(batch.user));
    batch.scores(second);
    context.close();
    context.close();
    second.close();
    Check.failsClosed("request", () -> batch.scores(second));
    Check.failsClosed("context", () -> context.begin(null));
    Check.failsClosed("context", () -> context.scoreText("1 a"));
  }

  static void twoAtOnceAreRefused() {
    String refusal = "two threads use the context at once: make one for each";
    Context context = Check.contextOf("a.fms");
    Batch batch = new Batch(1, 3, 4);
    Request request = context.begin(null);
    int[] tried = {0};
    Interloper other =
        new Interloper(
            () -> {
              Check.fails(IllegalStateException.class, refusal, () -> batch.scores(request));
              Check.fails(IllegalStateException.class, refusal, () -> context.begin(null));
              Check.fails(IllegalStateException.class, refusal, () -> context.scoreText("1 a"));
              Check.fails(IllegalStateException.class, refusal, request::close);
              Check.fails(IllegalStateException.class, refusal, context::close);
              ++tried[0];
            });
    // Its row pointers are null, but there are no rows to look at.
    Check.equal(0, request.score(other, Fmscore.NO_DEADLINE, new Scores(1)));
    Check.equal(1, tried[0]);
    // What throws lets go of the context.
    Interloper thrower =
        new Interloper(
            () -> {
              throw new UnsupportedOperationException();
            });
    Check.fails(
        UnsupportedOperationException.class, () -> request.score(thrower, 0, new Scores(1)));
    Check.equal(3, batch.scores(request).length);
    context.close();
  }

  static void theDeadlineCutsOff() {
    Batch batch = new Batch(2, 50, 5);
    try (Slot slot = Check.slotOf("a.fms", 0);
        Context context = new Context(slot);
        Request request = context.begin(batch.user)) {
      Scores scores = new Scores(50);
      for (int i = 0; i < 50; ++i) scores.values().put(i, -7);
      Check.equal(0, request.score(batch.rows(), Fmscore.nowNanos() - 1, scores));
      Check.equal(0, request.score(batch.rows(), 1, scores));
      Check.equal(0, request.score(batch.rows(), -5, scores));
      for (int i = 0; i < 50; ++i) {
        Check.equal(Scores.NOT_SCORED, scores.status(i));
        Check.equal(-7f, scores.value(i));
      }
      SlotStats stats = slot.stats();
      Check.equal(150L, stats.cutOff);
      Check.equal(0L, stats.scored);
      long anHourOn = Fmscore.nowNanos() + 3_600_000_000_000L;
      Check.equal(50, request.score(batch.rows(), anHourOn, scores));
      Check.same(batch.scores(request), Batch.array(scores));
      Check.equal(100L, slot.stats().scored);
    }
  }

  static void whatIsNotFiniteGetsThePrior() {
    Batch batch = new Batch(3, 10, 5);
    try (Slot slot = Check.slotOf("a.fms", 0);
        Context context = new Context(slot);
        Request request = context.begin(batch.user)) {
      float[] clean = batch.scores(request);
      batch.x.put(12, Float.NaN);
      batch.x.put(47, Float.POSITIVE_INFINITY);
      Scores scores = new Scores(10);
      Check.equal(10, request.score(batch.rows(), 0, scores));
      float prior = (float) request.info().prior;
      for (int i = 0; i < 10; ++i) {
        boolean bad = i == 2 || i == 9;
        Check.equal(bad ? Scores.NONFINITE : Scores.OK, scores.status(i));
        Check.equal(bad ? prior : clean[i], scores.value(i));
      }
      Check.equal(2L, slot.stats().nonfinite);
    }
  }

  static void aRowThatIsNoRowGetsThePriorAndIsExplained() {
    try (Slot slot = Check.slotOf("raw.fms", 0);
        Context context = new Context(slot);
        Request request = context.begin(JsonRows.of("{\"city\": \"Oslo\"}"))) {
      Scores scores = new Scores(3);
      JsonRows items = JsonRows.of("{\"age\": 7}", "{\"age\": 7", "{\"age\": 8}");
      Check.equal(3, request.score(items, 0, scores));
      Check.equal(Scores.OK, scores.status(0));
      Check.equal(Scores.BAD, scores.status(1));
      Check.equal(Scores.OK, scores.status(2));
      Check.equal((float) request.info().prior, scores.value(1));
      Check.equal(1L, slot.stats().badRows);
      Check.that(Fmscore.lastError().contains("row 1"), Fmscore.lastError());
      FmscoreException ids =
          Check.fails(
              FmscoreException.class,
              () -> request.score(IdRows.one(Buffers.longs(1), null), 0, scores));
      Check.equal(FmscoreException.EINVAL, ids.code());
      Check.equal(ids.getMessage(), Fmscore.lastError());
    }
  }

  static void theUserIsOneRow() {
    Batch batch = new Batch(4, 2, 3);
    try (Context context = Check.contextOf("a.fms")) {
      Check.failsArgument("user: has 2 rows, and is one", () -> context.begin(batch.rows()));
      try (Request request = context.begin(null)) {
        Check.failsArgument("item: has 2 rows, and is one", () -> request.explain(batch.rows()));
        Check.fails(NullPointerException.class, () -> request.score(null, 0, new Scores(1)));
        Check.fails(NullPointerException.class, () -> request.score(batch.rows(), 0, null));
        Check.equal(2, batch.scores(request).length);
      }
    }
  }

  static void termsAddUpToTheScore() {
    // More terms than room is made for at first.
    for (int features : new int[] {5, 400}) {
      Batch batch = new Batch(5, 1, features);
      try (Context context = Check.contextOf("a.fms");
          Request request = context.begin(batch.user)) {
        Explanation why = request.explain(batch.rows());
        Check.equal(10 + features, why.terms.size());
        double sum = why.bias;
        int known = 0;
        for (Explanation.Term term : why.terms) {
          sum += term.linear + term.pairwise;
          if (term.known) ++known;
          else Check.near(0, term.linear, 0);
        }
        Check.that(known > 0 && known < why.terms.size(), "some features are known");
        Check.near(why.score, sum, 1e-4);
        Check.near(batch.scores(request)[0], why.score, 1e-4);
        Check.equal(batch.ids.get(0), why.terms.get(10).id);
        Check.equal(batch.x.get(0), why.terms.get(10).x);
      }
    }
  }

  static void textIsScoredAsTheTrainerDoes() {
    try (Context context = Check.contextOf("a.fms")) {
      Check.that(context.scoreText("1 f1 f2:0.5") != context.scoreText("1 f1"), "f2 counts");
      FmscoreException bad =
          Check.fails(FmscoreException.class, () -> context.scoreText("1 f1:x"));
      Check.equal(FmscoreException.EINVAL, bad.code());
      try (Request request = context.begin(null)) {
        FmscoreException now =
            Check.fails(FmscoreException.class, () -> context.scoreText("1 f1"));
        Check.equal(FmscoreException.ESTATE, now.code());
      }
    }
  }

  static void predictionsAreBehindTheLink() {
    Batch batch = new Batch(6, 20, 5);
    try (Slot slot = Check.slotOf("a.fms", 0);
        Context plain = new Context(slot);
        Context linked = new Context(slot, new Context.Options().predictions())) {
      float[] scores = batch.scores(plain);
      float[] predictions = batch.scores(linked);
      for (int i = 0; i < 20; ++i) {
        Check.near(1 / (1 + Math.exp(-scores[i])), predictions[i], 1e-7);
      }
    }
  }

  static void theItemCacheKeepsItems() {
    Batch batch = new Batch(7, 30, 5);
    try (Slot slot = Check.slotOf("a.fms", 1 << 20);
        Context context = new Context(slot)) {
      IdRows rows = batch.rows().itemIds(batch.itemIds);
      Scores missed = new Scores(30);
      Scores hit = new Scores(30);
      for (Scores scores : new Scores[] {missed, hit}) {
        try (Request request = context.begin(batch.user)) {
          Check.equal(30, request.score(rows, 0, scores));
        }
      }
      Check.same(Batch.array(missed), Batch.array(hit));
      SlotStats stats = slot.stats();
      Check.equal(30L, stats.cacheMisses);
      Check.equal(30L, stats.cacheHits);
      Check.equal(2L, stats.requests);
    }
  }

  /** What the JVM makes to begin with is behind it after some rounds; then there is nothing. */
  static void scoringMakesNoGarbage() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long self = Thread.currentThread().getId();
    Batch batch = new Batch(8, 8, 5);
    try (Context context = Check.contextOf("a.fms");
        Request request = context.begin(batch.user)) {
      IdRows rows = batch.rows();
      Scores scores = new Scores(8);
      long made = -1;
      for (int round = 0; round < 50 && made != 0; ++round) {
        long before = threads.getThreadAllocatedBytes(self);
        for (int i = 0; i < 1000; ++i) request.score(rows, Long.MAX_VALUE, scores);
        made = threads.getThreadAllocatedBytes(self) - before;
      }
      Check.equal(0L, made);
    }
  }
}
