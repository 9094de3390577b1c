# What Windows PowerShell 5.1 does not have must not be in a script: PowerShell's own parser says where it is. Rules of
# PSScriptAnalyzer that need nothing but the syntax tree are asked, too. Writes a line for each check.
param ([string] $First, [string] $Second)
Set-StrictMode -Version Latest
function Test-None { param ([string] $What, $Found) if (@($Found | Where-Object { $null -ne $_ }).Count -eq 0) { "ok $What" } else { "not ok ${What}: $(@($Found) -join ', ')" } }

# The checks themselves must find what they look for.
function Get-Newer {
    param ([string] $Text)
    $tokens = $null
    $errors = $null
    $tree = [System.Management.Automation.Language.Parser]::ParseInput($Text, [ref] $tokens, [ref] $errors)
    foreach ($item in $errors) { "line $($item.Extent.StartLineNumber): $($item.Message)" }
    $kinds = 'QuestionQuestion', 'QuestionQuestionEquals', 'QuestionDot', 'QuestionLBracket', 'QuestionMark', 'AndAnd', 'OrOr', 'Clean'
    foreach ($token in $tokens) {
        if ("$($token.Kind)" -in $kinds) {
            "line $($token.Extent.StartLineNumber): $($token.Text)"
        }
    }
    foreach ($node in $tree.FindAll({ $true }, $true)) {
        $type = $node.GetType().Name
        if ($type -in 'TernaryExpressionAst', 'PipelineChainAst' -or ($type -eq 'PipelineAst' -and $node.Background)) { "line $($node.Extent.StartLineNumber): $type" }
        if ($type -eq 'CommandParameterAst' -and $node.ParameterName -in 'Parallel', 'AsHashtable', 'AsByteStream') { "line $($node.Extent.StartLineNumber): -$($node.ParameterName)" }
    }
}
foreach ($sample in '$a ? 1 : 2', '$a = $b ?? 1', '$a ??= 1', 'a && b', 'a || b', '${a}?.b', '${a}?[0]', 'sleep 1 &', '1 | % -Parallel { 1 }') {
    if (@(Get-Newer $sample).Count -gt 0) { "ok finds $sample" } else { "not ok finds $sample" }
}
Test-None -What 'no false alarm' -Found (Get-Newer '& $a | Where-Object { $_ -and 1 -or 2 }')

foreach ($path in $First, $Second) {
    $text = [System.IO.File]::ReadAllText($path)
    Test-None -What 'syntax of 5.1' -Found (Get-Newer $text)
    Test-None -What 'ASCII' -Found ([regex]::Matches($text, '[^\x20-\x7e\n]'))
    $lines = $text -split "`n"
    Test-None -What 'lines of at most 120 characters in the engine' -Found @($lines | Where-Object { $_.Length -gt 120 -and $_ -notmatch '^ +(DisplayName|Description) ' })
    Test-None -What 'no blanks at ends of lines' -Found @($lines | Where-Object { $_ -match '\s$' })

    $tree = [System.Management.Automation.Language.Parser]::ParseInput($text, [ref] $null, [ref] $null)
    $all = @($tree.FindAll({ $true }, $true))
    $commands = @($all | Where-Object { $_.GetType().Name -eq 'CommandAst' -and $_.GetCommandName() })
    $own = @($all | Where-Object { $_.GetType().Name -eq 'FunctionDefinitionAst' })
    Test-None -What 'AvoidUsingCmdletAliases, AvoidUsingInvokeExpression, AvoidUsingWriteHost' -Found @($commands | ForEach-Object { $_.GetCommandName() } |
            Where-Object { $_ -notmatch '^[A-Z][A-Za-z]+-[A-Z][A-Za-z]+$' -or $_ -in 'Invoke-Expression', 'Write-Host', 'Invoke-Command' })
    Test-None -What 'AvoidUsingPositionalParameters' -Found @($commands | Where-Object { $_.CommandElements.Count -gt 1 -and $_.GetCommandName() -notin 'ForEach-Object', 'Where-Object' } |
            Where-Object { $_.CommandElements[1].GetType().Name -notin 'CommandParameterAst' -and -not ($_.CommandElements[1].Extent.Text.StartsWith('@')) } | ForEach-Object { $_.Extent.Text })
    $verbs = @(Get-Verb | ForEach-Object { $_.Verb })
    Test-None -What 'UseApprovedVerbs, UseSingularNouns' -Found @($own | ForEach-Object { $_.Name } | Where-Object { ($_ -split '-')[0] -notin $verbs -or $_ -match '[^s]s$' })
    Test-None -What 'UseShouldProcessForStateChangingFunctions' -Found @($own | ForEach-Object { $_.Name } | Where-Object { $_ -match '^(New|Set|Remove|Start|Stop|Restart|Reset|Update)-' })
    Test-None -What 'every function that is there is used' -Found @($own | ForEach-Object { $_.Name } | Where-Object { $name = $_; @($commands | Where-Object { $_.GetCommandName() -eq $name }).Count -eq 0 })
    $known = @($own | ForEach-Object { $_.Name })
    $cmdlets = 'NetFirewall|NetGPO|MpPreference|MpComputerStatus|WinInetProxy|CimInstance'
    Test-None -What 'every command is known' -Found @($commands | ForEach-Object { $_.GetCommandName() } | Sort-Object -Unique |
            Where-Object { $_ -notin $known -and $_ -notmatch $cmdlets -and $null -eq (Get-Command -Name $_ -Module 'Microsoft.PowerShell.*' -ErrorAction SilentlyContinue) })
    $automatic = 'profile', 'input', 'args', 'matches', 'this', 'error', 'event', 'host', 'pid', 'sender', 'home', 'foreach', 'switch'
    $assigned = @($all | Where-Object { $_.GetType().Name -eq 'AssignmentStatementAst' } | ForEach-Object { $_.Left.Extent.Text.TrimStart('$') })
    Test-None -What 'AvoidAssignmentToAutomaticVariable, AvoidGlobalVars' -Found @($assigned | Where-Object { $_ -in $automatic -or $_ -like 'global:*' })
    Test-None -What 'PossibleIncorrectComparisonWithNull' -Found @($all | Where-Object { $_.GetType().Name -eq 'BinaryExpressionAst' -and "$($_.Right)" -eq '$null' } | ForEach-Object { $_.Extent.Text })
    Test-None -What 'AvoidUsingEmptyCatchBlock' -Found @($all | Where-Object { $_.GetType().Name -eq 'CatchClauseAst' -and $_.Body.Statements.Count -eq 0 } | ForEach-Object { $_.Extent.Text })
    Test-None -What 'AvoidUsingDoubleQuotesForConstantString' -Found @($all | Where-Object { $_.GetType().Name -eq 'StringConstantExpressionAst' -and "$($_.StringConstantType)" -eq 'DoubleQuoted' } | ForEach-Object { $_.Extent.Text })
    Test-None -What 'UseDeclaredVarsMoreThanAssignments' -Found @($assigned | Where-Object { $_ -match '^\w+$' } | Sort-Object -Unique |
            Where-Object { [regex]::Matches($text, "(?i)[\$@]$_\b").Count -lt 2 -and $_ -ne 'ErrorActionPreference' })
    # Two names that differ in case alone are one variable.
    Test-None -What 'variables keep their case' -Found @($own | ForEach-Object {
            $name = $_.Name
            @($_.FindAll({ $args[0].GetType().Name -eq 'VariableExpressionAst' }, $true)) | ForEach-Object { $_.VariablePath.UserPath } | Sort-Object -Unique -CaseSensitive |
                Group-Object | Where-Object { $_.Count -gt 1 } | ForEach-Object { "${name}: $($_.Name)" } })
}
'done'
