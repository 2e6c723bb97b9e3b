Feature: Trustless relay
  An application asks a servicer of its session; the answer is signed and bound to the question, so that neither has to
  trust the other.

  Background:
    Given a LocalNet with 3 honest, 1 slow, 1 down and 1 lying servicers

  Scenario: An application relays to a servicer of its session
    When the application relays "block" at height 1 to an honest servicer
    Then the command ends with exit code 0
    And the answer is signed by that servicer and bound to the request
    And the answer is the block at height 1 as the chain itself gives it

  Scenario: An application relays to a servicer that is down
    When the application relays "block" at height 1 to a down servicer
    Then the command ends with exit code 9
    And it says in one line what is wrong

  Scenario: An application relays to a servicer that is not in its session
    When the application relays "block" at height 1 to a stranger
    Then the command ends with exit code 4
    And it says in one line what is wrong

  Scenario: A stranger relays as if it were an application
    When a stranger relays "block" at height 1 to an honest servicer
    Then the command ends with exit code 4
    And it says in one line what is wrong
