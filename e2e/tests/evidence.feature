Feature: Evidence and checks on demand
  Where servicers give different answers, the fisherman keeps what each side signed; anybody can check it without trusting
  the fisherman or asking a node. An operator who wonders why a servicer is judged as it is has it asked at once.

  Background:
    Given a LocalNet with 3 honest, 1 slow, 1 down and 1 lying servicers
    And the fisherman has sampled a session from its first block to its last

  Scenario: The lie is listed, saved and proved offline
    When the evidence of the session is saved
    Then it names the lying servicer as the dissenter of every piece
    And the saved evidence verifies without a node
    And what is proved is that two signed answers to the same question differ

  Scenario Outline: A saved byte is altered
    When the evidence of the session is saved
    And one byte of the first "<field>" in it is altered
    Then the saved evidence does not verify

    Examples:
      | field             |
      | request_envelope  |
      | response_envelope |
      | digest            |
      | answer            |
      | asked_at          |
      | public_key        |
      | signature         |

  Scenario Outline: An operator asks why
    When the fisherman is told to check <a> servicer
    Then the check ends with exit code <code> and the verdict "<verdict>"
    And it says "<reason>"
    And every phase that was reached has a time

    Examples:
      | a         | code | verdict      | reason                                   |
      | an honest | 0    | ok           | as the majority did                      |
      | a slow    | 0    | slow         | above the latency SLA of 150 ms          |
      | a down    | 13   | null         | nothing listens there                    |
      | a lying   | 13   | inconsistent | Its answer is not that of the majority   |

  Scenario: An operator without a fisherman asks a servicer directly
    When an honest servicer is checked at its URL by a stranger
    Then the check ends with exit code 0 and the verdict "reachable"
    And it says "signed and bound"
    When an honest servicer is checked at its URL by the application
    Then the check ends with exit code 0 and the verdict "undecidable"
    When a down servicer is checked at its URL by a stranger
    Then the check ends with exit code 13 and the verdict "null"
