import fmscore.Fmscore;

/** Loads the library and says which. */
final class Loads {
  private Loads() {}

  public static void main(String[] args) {
    System.out.println(Fmscore.buildInfo());
  }
}
