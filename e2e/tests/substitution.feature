Feature: A servicer leaves in the middle of a session
  Who pauses is out of the session from the following block on; what was sampled before stays, and nobody is blamed.

  Scenario: A servicer pauses in the middle of a session
    Given a LocalNet of its own with 3 honest servicers and sessions of 16 blocks
    When a servicer pauses early in a session
    Then the session has all servicers up to that block, and the others from the following block on
    And the leaver is not asked any more in the rest of the session
    And the leaver keeps its samples, none of them null
    And the others answered every check of the session

  Scenario: The next in rank takes the place of a servicer that pauses
    Given a LocalNet of its own with 5 honest servicers, of which 3 are in each session of 16 blocks
    When a servicer pauses early in a session
    Then from the following block on the next in rank has its place, and the other members have not moved
    And the leaver is not asked any more in the rest of the session
    And the leaver keeps its samples, none of them null
    And the newcomer was asked in every check since, and none of its samples is null
    And the others answered every check of the session
