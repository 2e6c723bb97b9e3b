Feature: What holds now
  A session's own verdict is unknown until the session has enough checks. What holds now is over the newest checks, whatever
  sessions they are of, and a session that begins changes nothing about it.

  Background:
    Given a LocalNet with 3 honest, 1 slow, 1 down and 1 lying servicers

  Scenario: Verdicts stay when sessions begin
    When the fisherman has sampled 1 whole sessions
    Then until 2 more sessions are complete, what holds now says at every look that honest servicers are "healthy", down ones "unavailable" and lying ones "inconsistent"
    And what holds now is what the newest stored checks say
