Feature: Relays that are kept
  A servicer keeps volume-applicable relays by session, with both signatures, and its operator can read them.

  Scenario: Every relay is volume-applicable
    Given a LocalNet with 2 honest servicers and sessions of 4 blocks
    And the owner has changed "relay.volume_difficulty_bits" to "0"
    When the application makes 3 relays to an honest servicer
    Then the program shows that the servicer has stored relays, and dropped and failed none
    And it shows those 3 relays in their sessions, each with both signatures
    And the signatures of every relay that is kept of these sessions fit
