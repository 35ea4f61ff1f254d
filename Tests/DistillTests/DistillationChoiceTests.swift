import Distill
import Testing

@Suite struct DistillationChoiceTests {
  @Test func weightsAndSettingsAreRead() throws {
    let choices = try DistillationChoice.parse("kd=2:temperature=4, fitnet,cwd=0.5")
    #expect(choices.map(\.loss) == ["kd", "fitnet", "cwd"])
    #expect(choices.map(\.weight) == [2, 1, 0.5])
    #expect(choices[0].settings["temperature"] == 4)
    #expect(choices[0].settings["foreground"] == 1)
    #expect(choices[0].text == "kd=2.0:temperature=4.0")
    #expect(try DistillationChoice.parse(choices[0].text) == [choices[0]])
  }

  @Test(arguments: [
    ("nonsense", "kd"), ("", "no loss is called ''"), ("kd=0", "above 0"), ("kd=x", "'x'"),
    ("kd:warmth=3", "temperature, foreground, background"), ("kd:temperature=-1", "0.1"),
    ("kd:temperature", "'nothing'"), ("kd,kd", "twice"), ("at:p=2", "it has none"),
  ])
  func whatIsNotUnderstoodIsNamed(text: String, reason: String) {
    do {
      _ = try DistillationChoice.parse(text)
      Issue.record("'\(text)' was read")
    } catch { #expect("\(error)".contains(reason), "\(error)") }
  }
}
