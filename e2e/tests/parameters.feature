Feature: Parameters change with the session
  The owner of a parameter changes it by transaction; a session that runs keeps what it began with.

  Background:
    Given a LocalNet with 2 honest servicers and sessions of 4 blocks

  Scenario: The owner changes how often servicers are checked
    When the owner changes "qos.checks_per_session" to "5"
    Then the session of that block has 10 planned checks
    And the session after it has 5 planned checks

  Scenario: Somebody else changes a parameter
    When the application changes "qos.checks_per_session" to "7"
    Then the transaction is refused as NOT_OWNER
