import fmscore.Context;
import fmscore.FmscoreException;
import fmscore.IdRows;
import fmscore.Request;
import fmscore.SampleFile;
import fmscore.Scores;
import fmscore.Slot;
import fmscore.Snapshot;
import fmscore.Snapshots;
import fmscore.SnapshotsStats;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** What was scored, kept until it is known what was shown. */
final class SnapshotsTest {
  private static final byte[] ID = "req-1".getBytes(StandardCharsets.UTF_8);

  public static void main(String[] args) throws Exception {
    Check.main(SnapshotsTest.class);
  }

  private static void scoreAndKeep(Snapshots snapshots, Batch batch) {
    try (Slot slot = Check.slotOf("a.fms", 0);
        Context context = new Context(slot, new Context.Options().record())) {
      IdRows rows = batch.rows().itemIds(batch.itemIds);
      try (Request request = context.begin(batch.user)) {
        Check.equal(batch.items, request.score(rows, 0, new Scores(batch.items)));
        snapshots.keep(request, ID);
      }
    }
  }

  static void shownItemsAreTaken() {
    Batch batch = new Batch(1, 10, 4);
    try (Snapshots snapshots = new Snapshots(1 << 20, Duration.ofHours(1))) {
      scoreAndKeep(snapshots, batch);
      long[] shown = {batch.itemIds.get(7), 12345, batch.itemIds.get(2)};
      SnapshotsStats stats = snapshots.stats();
      Check.equal(1L, stats.kept);
      Check.equal(1L, stats.requests);
      Check.that(stats.bytes > 0, "bytes are counted");
      List<Snapshot> taken = snapshots.take(ID, shown, new float[] {1, 1, 0});
      Check.equal(2, taken.size());
      Snapshot first = taken.get(0);
      Check.equal(batch.itemIds.get(7), first.itemId);
      Check.equal(1f, first.label);
      Check.equal(14, first.ids.length);
      for (int i = 0; i < 4; ++i) {
        Check.equal(batch.ids.get(28 + i), first.ids[10 + i]);
        Check.equal(batch.x.get(28 + i), first.x[10 + i]);
      }
      Check.equal(0f, taken.get(1).label);
      Check.equal(0L, snapshots.stats().requests);
      FmscoreException gone =
          Check.fails(FmscoreException.class, () -> snapshots.take(ID, shown, null));
      Check.equal(FmscoreException.ENOTFOUND, gone.code());
      Check.failsArgument(
          "labels: has 1 elements for 3 shown items",
          () -> snapshots.take(ID, shown, new float[1]));
    }
  }

  static void intoAFile() throws Exception {
    Path folder = Files.createTempDirectory("fmscore-test");
    Path path = folder.resolve("shown.fmc");
    Batch batch = new Batch(2, 10, 4);
    long[] shown = {batch.itemIds.get(0), batch.itemIds.get(1)};
    Snapshots snapshots = new Snapshots(1 << 20, null);
    for (boolean finished : new boolean[] {false, true}) {
      scoreAndKeep(snapshots, batch);
      SampleFile file = new SampleFile(path, 0);
      Check.equal(2L, snapshots.takeTo(file, ID, shown, null));
      Check.that(!Files.exists(path), "the file is not there before it is whole");
      if (finished) file.finish();
      file.close();
      file.close();
      Check.equal(finished, Files.exists(path));
      Check.failsClosed("sample file", file::finish);
      scoreAndKeep(snapshots, batch);
      Check.failsClosed("sample file", () -> snapshots.takeTo(file, ID, shown, null));
    }
    Files.delete(path);
    Files.delete(folder);
    snapshots.close();
    snapshots.close();
    Check.failsClosed("snapshots", snapshots::stats);
    Check.failsClosed("snapshots", () -> snapshots.take(ID, shown, null));
  }

  static void keepingNeedsARecordAndARequest() {
    Batch batch = new Batch(3, 2, 4);
    try (Snapshots snapshots = new Snapshots(1 << 20, null);
        Context context = Check.contextOf("a.fms")) {
      Request request = context.begin(batch.user);
      FmscoreException none =
          Check.fails(FmscoreException.class, () -> snapshots.keep(request, ID));
      Check.equal(FmscoreException.ESTATE, none.code());
      request.close();
      Check.failsClosed("request", () -> snapshots.keep(request, ID));
      Check.failsArgument("maxBytes: is negative", () -> new Snapshots(-1, null));
    }
  }
}
