Feature: Sessions come and go
  A fisherman learns of its sessions from the chain itself, joins one that is under way, and follows the next.

  Scenario: A session changes
    Given a LocalNet with 3 honest, 1 slow, 1 down and 1 lying servicers
    When the fisherman has sampled 2 whole sessions
    Then the two sessions have different ids and follow each other without a gap
    And in both every servicer of the network was sampled
    And in both done, dropped and void checks add up to the planned ones

  Scenario: A fisherman starts mid-session
    Given a LocalNet of its own with 3 honest servicers
    When it is stopped in the middle of a session and its fisherman forgets all samples
    And it is started again
    And the session has ended
    Then the checks before the fisherman came count as dropped, not as null
    And it has sampled the rest of the session
    And each honest servicer answered every check

  Scenario: A fisherman that was restarted remembers
    Given a LocalNet of its own with 3 honest servicers
    When it is stopped in the middle of a session
    And it is started again
    And the session has ended
    Then the samples from before the stop are still there
    And done, dropped and void checks add up to the planned ones
    And each honest servicer answered every check
