import fmscore.Slot;
import fmscore.Watcher;
import java.nio.file.Path;
import java.util.Scanner;

/** A host in Java that keeps its model new: what watch.cc does. */
final class Watch {
  private Watch() {}

  public static void main(String[] args) {
    if (args.length != 1) System.exit(2);
    Watcher.Options options =
        new Watcher.Options()
            .onPublish((path) -> System.out.println("publish " + path))
            .onError((path, reason) -> System.out.println("refuse " + reason));
    try (Slot slot = new Slot();
        Watcher watcher = new Watcher(slot, Path.of(args[0]), options);
        Scanner input = new Scanner(System.in)) {
      while (input.hasNextLine()) {
        input.nextLine();
        boolean published = watcher.check();
        System.out.println("check " + (published ? 1 : 0) + " " + watcher.lastError());
      }
    }
  }
}
